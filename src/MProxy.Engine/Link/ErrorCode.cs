namespace MProxy.Engine.Link;

/// <summary>The codes of errors on the wire. Source: protocol.md, section 2.</summary>
public static class ErrorCode
{
    /// <summary>A control message that is none.</summary>
    public const string BadCommand = "E_BAD_COMMAND";

    /// <summary>A command that the peer does not know; the link goes on.</summary>
    public const string UnknownCommand = "E_UNKNOWN_COMMAND";

    /// <summary>No such client, or no longer.</summary>
    public const string NoConnection = "E_NO_CONN";

    /// <summary>No reply in time.</summary>
    public const string Timeout = "E_TIMEOUT";

    /// <summary>A token that does not hold, or holds no longer; the message says why.</summary>
    public const string InvalidToken = "E_INVALID_TOKEN";

    /// <summary>Outside of what the link's tokens allow.</summary>
    public const string NotGranted = "E_NOT_GRANTED";

    /// <summary>A port that the token allows cannot be had now. Another time it may.</summary>
    public const string PortUnavailable = "E_PORT_UNAVAILABLE";

    /// <summary>One of several tokens of a link has expired, and what it allowed is over.</summary>
    public const string TokenExpired = "E_TOKEN_EXPIRED";

    /// <summary>The device serves no such service, or cannot reach it.</summary>
    public const string NoService = "E_NO_SERVICE";

    /// <summary>More data waits for the client than its bound, or the link's, allows.</summary>
    public const string Overflow = "E_OVERFLOW";

    /// <summary>Nothing came or went for longer than a client may be silent.</summary>
    public const string Idle = "E_IDLE";

    /// <summary>The operator of one side stopped this client.</summary>
    public const string Stopped = "E_STOPPED";

    /// <summary>Another device came with the same token id, and took over.</summary>
    public const string Replaced = "E_REPLACED";

    /// <summary>The link is gone, and the client with it. Never on the wire: each side says it to its own.</summary>
    public const string LinkLost = "E_LINK_LOST";

    /// <summary>Between relays: this one has no device for the client.</summary>
    public const string NoDevice = "E_NO_DEVICE";

    /// <summary>Between relays: this one, or its devices, have as many clients as they may.</summary>
    public const string Busy = "E_BUSY";

    /// <summary>Between relays: another client of the same address and port is on the device's link.</summary>
    public const string Duplicate = "E_DUPLICATE";

    /// <summary>Anything else.</summary>
    public const string Unknown = "E_UNKNOWN_ERR";
}
