namespace MProxy.Engine.Capture;

/// <summary>What a capture keeps, and where.</summary>
public sealed record CaptureOptions
{
    /// <summary>The bound of <see cref="MaxLength"/> unless another is given, in bytes (100 MiB).</summary>
    public const long DefaultMaxLength = 100L << 20;

    /// <summary>The file of the frames, where none may be yet; that of their times has <c>.times</c> behind it.</summary>
    public required string Path { get; init; }

    /// <summary>The clients whose frames are kept, as <c>IPv4,192.0.2.1,54321</c> with the wildcards * and ?; null keeps all, and control too.</summary>
    public string? SocketId { get; init; }

    /// <summary>Keep no bodies.</summary>
    public bool HeadersOnly { get; init; }

    /// <summary>What both files may hold together, in bytes; full, the capture stops.</summary>
    public long MaxLength { get; init; } = DefaultMaxLength;

    /// <summary>How much of a body is kept, in bytes.</summary>
    public int MaxBodyLength { get; init; } = 1 << 20;

    /// <summary>What may wait for a slow disk, in bytes; what comes beyond is left out.</summary>
    public int QueueBound { get; init; } = 16 << 20;

    /// <summary>How long a disk may hold up the end of what is captured. By the real clock: a test's clock may stand still.</summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);
}
