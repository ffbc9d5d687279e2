namespace MProxy.Engine.Capture;

/// <summary>Sees the bytes of one connection pass, in both directions. Each direction has one caller at a time.</summary>
internal sealed class CaptureTap(int connection, string link, CaptureOptions options, DroppingQueue<CapturedFrame> queue)
{
    private readonly FrameCopier _in = new(new CaptureSource(connection, link, CaptureSource.In), options, queue);
    private readonly FrameCopier _out = new(new CaptureSource(connection, link, CaptureSource.Out), options, queue);

    /// <summary>These came.</summary>
    public void Received(ReadOnlySpan<byte> bytes) => _in.Take(bytes);

    /// <summary>These are sent next.</summary>
    public void Sending(ReadOnlySpan<byte> bytes) => _out.Take(bytes);
}
