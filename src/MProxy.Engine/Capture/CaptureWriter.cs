using System.Buffers;
using MProxy.Protocol;

namespace MProxy.Engine.Capture;

/// <summary>Writes what waits in a queue, many frames at a time, until that is closed and empty or the files are full.</summary>
internal sealed class CaptureWriter(CaptureFiles files, DroppingQueue<CapturedFrame> queue, ControlSecrets secrets, CaptureOptions options)
{
    private const int BatchLength = 256 << 10;

    private readonly ArrayBufferWriter<byte> _frames = new();
    private readonly ArrayBufferWriter<byte> _times = new();
    private long _offset;
    private long _length;

    /// <exception cref="CaptureException">The files are full; all that fits is in them.</exception>
    public async Task RunAsync()
    {
        var fits = true;
        while (fits && await queue.WaitAsync().ConfigureAwait(false))
        {
            while (fits && queue.TryTake(out var next))
            {
                fits = TryAppend(next);
                if (_frames.WrittenCount + _times.WrittenCount >= BatchLength)
                {
                    await FlushAsync().ConfigureAwait(false);
                }
            }

            await FlushAsync().ConfigureAwait(false);
        }

        var (count, time) = queue.TakeDropped();
        fits = fits && TryAppendDropped(count, time);
        await FlushAsync().ConfigureAwait(false);
        if (!fits)
        {
            throw new CaptureException($"it has come to {options.MaxLength} bytes, which is all it may have");
        }
    }

    private async Task FlushAsync()
    {
        if (_times.WrittenCount > 0)
        {
            await files.WriteAsync(_frames.WrittenMemory, _times.WrittenMemory).ConfigureAwait(false);
            _frames.ResetWrittenCount();
            _times.ResetWrittenCount();
        }
    }

    private bool TryAppend(Queued<CapturedFrame> next)
    {
        var (frame, time, droppedBefore) = next;
        if (!TryAppendDropped(droppedBefore, time))
        {
            return false;
        }

        if (frame.Unreadable is not null)
        {
            return TryAppend([], TimesLine.OfUnreadable(frame, _offset, time));
        }

        var bytes = frame.Bytes.Span;
        var kept = frame.Body.Length;
        if (frame.Kind == FrameKind.Control)
        {
            // Written anew as a whole: the fields of its header, which nobody reads, may hold anything.
            var body = options.HeadersOnly ? [] : secrets.Redact(frame.Body);
            bytes = FrameEncoder.Encode(FrameKind.Control, default, body);
            kept = body.Length;
        }

        return TryAppend(bytes, TimesLine.OfFrame(frame, _offset, time, kept));
    }

    private bool TryAppendDropped(long count, DateTimeOffset time) =>
        count == 0 || TryAppend([], TimesLine.OfDropped(count, _offset, time));

    private bool TryAppend(ReadOnlySpan<byte> frame, byte[] line)
    {
        if (_length + frame.Length + line.Length > options.MaxLength)
        {
            return false;
        }

        _frames.Write(frame);
        _times.Write(line);
        _offset += frame.Length;
        _length += frame.Length + line.Length;
        return true;
    }
}
