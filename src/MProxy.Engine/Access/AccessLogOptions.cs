namespace MProxy.Engine.Access;

/// <summary>Where an access log is, and how much of it is kept.</summary>
public sealed record AccessLogOptions
{
    /// <summary>The bound of <see cref="MaxLength"/> unless another is given, in bytes (64 MiB).</summary>
    public const long DefaultMaxLength = 64L << 20;

    /// <summary>The file. One that is there is added to. Those before it have <c>.1</c>, <c>.2</c> and so on behind it, the newest first.</summary>
    public required string Path { get; init; }

    /// <summary>What one file may hold, in bytes, at least 1; a line that is longer has one for itself.</summary>
    public long MaxLength { get; init; } = DefaultMaxLength;

    /// <summary>How many files are kept beside the one being written, 0 to 100; the oldest goes when there are more.</summary>
    public int KeepFiles { get; init; } = 5;
}
