namespace MProxy.Engine.Link;

/// <summary>Which side of a link this is: the device dials, the relay answers and brings the clients.</summary>
internal enum LinkRole
{
    Relay,
    Device,
}

/// <summary>The bounds of a link. Source: protocol.md, section 4; all in bytes.</summary>
public sealed record LinkOptions
{
    /// <summary>What may wait for one client's slow socket before its sender is asked to pause.</summary>
    public int HighMark { get; init; } = 1 << 20;

    /// <summary>What may still wait when a paused sender is asked to go on.</summary>
    public int LowMark { get; init; } = 256 << 10;

    /// <summary>What may wait for one client at all; past it, that client alone ends with E_OVERFLOW.</summary>
    public int ClientBound { get; init; } = 64 << 20;

    /// <summary>What may wait for all clients of a link together; past it, the client that adds to it ends with E_OVERFLOW.</summary>
    public long LinkBudget { get; init; } = 256L << 20;
}

/// <summary>The codes of errors on the wire. Source: protocol.md, section 2.</summary>
internal static class ErrorCode
{
    public const string BadCommand = "E_BAD_COMMAND";
    public const string UnknownCommand = "E_UNKNOWN_COMMAND";
    public const string NoConnection = "E_NO_CONN";
    public const string NoService = "E_NO_SERVICE";
    public const string Overflow = "E_OVERFLOW";
    public const string Unknown = "E_UNKNOWN_ERR";
}
