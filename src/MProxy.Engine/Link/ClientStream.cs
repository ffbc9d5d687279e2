using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>One client of a link as a stream, for a local end that is more than a socket. One reader and one writer at a time.</summary>
internal sealed class ClientStream(LinkConnection link, LinkClient client, Inbox inbox, CancellationToken stopping) : DuplexStream
{
    private const int FrameLength = 64 << 10;

    private readonly PendingSend _pending = new();
    private Inbox.Segment? _segment;
    private int _position;

    /// <summary>The frame that was offered is on its way, or will never be.</summary>
    public void Complete(bool sent, bool inline) => _pending.Complete(sent, inline);

    /// <summary>Nothing more is written.</summary>
    public void End() => link.End(client);

    /// <summary>Reads what the client sent; 0 behind its end.</summary>
    /// <exception cref="OperationCanceledException">The client is over, and not in order.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            // Some readers ask so whether there is anything: they are told by the next real read.
            return 0;
        }

        if (_segment is null)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
            _segment = await inbox.TakeAsync(either.Token).ConfigureAwait(false);
            _position = 0;
        }

        if (_segment is null)
        {
            stopping.ThrowIfCancellationRequested();
            return 0;
        }

        var count = Math.Min(buffer.Length, _segment.End - _position);
        _segment.Buffer.AsMemory(_position, count).CopyTo(buffer);
        _position += count;
        if (_position == _segment.End)
        {
            ReturnSegment();
        }

        link.Delivered(client, count);
        return count;
    }

    /// <summary>Sends to the client; done when all of it is on its way.</summary>
    /// <exception cref="IOException">The client is over.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var frame = link.Ledger.Rent(WireFormat.MaxHeaderRoom + FrameLength);
        try
        {
            while (!buffer.IsEmpty)
            {
                var count = Math.Min(buffer.Length, Math.Min(FrameLength, link.BodyLength));
                var header = client.Message.WriteBefore(frame.AsSpan(0, WireFormat.MaxHeaderRoom), count);
                buffer[..count].CopyTo(frame.AsMemory(WireFormat.MaxHeaderRoom));
                if (!await link.SendOrWithdrawAsync(client, frame.AsMemory(WireFormat.MaxHeaderRoom - header, header + count), _pending, cancellationToken).ConfigureAwait(false))
                {
                    throw new IOException("The client is gone.");
                }

                buffer = buffer[count..];
            }
        }
        finally
        {
            link.Ledger.Return(frame);
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            ReturnSegment();
        }

        base.Dispose(disposing);
    }

    private void ReturnSegment()
    {
        if (_segment is { } segment)
        {
            _segment = null;
            inbox.Return(segment);
        }
    }
}
