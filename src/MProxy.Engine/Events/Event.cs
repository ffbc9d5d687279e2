using System.Diagnostics.CodeAnalysis;

namespace MProxy;

/// <summary>Something that happened to a relay, a link or a tunnel. Never holds a token or a secret, nor a client's data, unless a script puts that into its error. Its texts are plain: no control characters, and 1,000 characters at most.</summary>
[SuppressMessage("Naming", "CA1710", Justification = "Scripts see it as an object of its own, not as the arguments of one.")]
public sealed class Event : EventArgs
{
    private readonly Lazy<string> _message;

    internal Event(DateTimeOffset time, EventKind kind, string source, Lazy<string> message, string? code, string? socketId)
    {
        Time = time;
        Kind = kind;
        Source = source;
        _message = message;
        Code = code;
        SocketId = socketId;
    }

    /// <summary>When.</summary>
    public DateTimeOffset Time { get; }

    /// <summary>What.</summary>
    public EventKind Kind { get; }

    /// <summary>Which relay, link or tunnel, by name or address.</summary>
    public string Source { get; }

    /// <summary>One sentence.</summary>
    public string Message => _message.Value;

    /// <summary>A code such as <c>E_INVALID_TOKEN</c>, where the peer gave one, or a client did not end in order.</summary>
    public string? Code { get; }

    /// <summary>The client that it is about: <c>IPv4,192.0.2.1,54321</c>; null where it is about none.</summary>
    public string? SocketId { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} {Source}: {Message}";
}
