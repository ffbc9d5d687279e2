namespace MProxy.Protocol.Tests;

/// <summary>Feeds chunks to a reader and notes after how many bytes each frame came out.</summary>
internal sealed class Recorder(bool lenient = false, int limit = WireFormat.DefaultMaxFrameLength)
{
    private readonly FrameReader _reader = new(lenient, limit);
    private long _fed;

    public List<(Frame Frame, long FiredAt)> Frames { get; } = [];

    public Recorder Feed(ReadOnlySpan<byte> chunk)
    {
        _fed += chunk.Length;
        while (_reader.TryRead(ref chunk, out var frame))
        {
            Frames.Add((frame, _fed - chunk.Length));
        }

        Assert.True(chunk.IsEmpty);
        return this;
    }

    public void Complete() => _reader.Complete();

    /// <summary>Every way to cut bytes in two, and one byte at a time.</summary>
    public static IEnumerable<byte[][]> Chunkings(byte[] bytes)
    {
        yield return [bytes];
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            yield return [bytes[..cut], bytes[cut..]];
        }

        yield return [.. bytes.Select(value => new[] { value })];
    }
}
