namespace MProxy.Engine.Access;

/// <summary>
/// One client of a relay or tunnel that is over, or was refused: one line of an <see cref="AccessLog"/>. The members of a line stand in this
/// order, and new ones are added at the end: <c>time</c>, <c>owner</c>, <c>socket_id</c>, <c>address</c>, <c>port</c>, <c>service</c>,
/// <c>service_port</c>, <c>name</c>, <c>device</c>, <c>bytes_in</c>, <c>bytes_out</c>, <c>duration</c>, <c>end</c>, <c>reason</c>, <c>limited_by</c>. What is null
/// or empty is left out. A text stands with its first 300 characters.
/// </summary>
public sealed record AccessRecord
{
    /// <summary>The <see cref="End"/> of a client that was over in order.</summary>
    public const string InOrder = "end";

    /// <summary>The <see cref="End"/> of a client that came to no device.</summary>
    public const string Refused = "refused";

    /// <summary>When the client came. In a line it is UTC, to the millisecond.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The relay or tunnel, by name.</summary>
    public required string Owner { get; init; }

    /// <summary>The client with its family, as on the wire and in captures: <c>IPv4,192.0.2.1,54321</c>.</summary>
    public required string SocketId { get; init; }

    /// <summary>The client's address.</summary>
    public string? Address { get; init; }

    /// <summary>The client's port.</summary>
    public int? Port { get; init; }

    /// <summary>What it came for: <c>tcp</c>.</summary>
    public string? Service { get; init; }

    /// <summary>The relay's port that it came to.</summary>
    public int? ServicePort { get; init; }

    /// <summary>The server name that it asked for.</summary>
    public string? Name { get; init; }

    /// <summary>Which link carried it.</summary>
    public string? Device { get; init; }

    /// <summary>Bytes from the client towards the service.</summary>
    public long BytesIn { get; init; }

    /// <summary>Bytes from the service to the client.</summary>
    public long BytesOut { get; init; }

    /// <summary>How long it was here. In a line it is seconds, with three decimals.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>How it ended: <see cref="InOrder"/>, the code of an error such as <c>E_OVERFLOW</c>, or <see cref="Refused"/>.</summary>
    public required string End { get; init; }

    /// <summary>Why it was refused, in one of a few fixed texts.</summary>
    public string? Reason { get; init; }

    /// <summary>The limits that held it back while it was here, each once, in a few fixed texts. In a line they are an array.</summary>
    public IReadOnlyList<string> LimitedBy { get; init; } = [];
}
