using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Device;

/// <summary>A client whose frames a script takes and answers.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore hands out no wait handle, and a late sender may still hold it.")]
internal sealed class ScriptSink(LinkConnection link, LinkClient client, FrameExchange exchange) : ClientSink
{
    private const int FrameLength = 64 << 10;
    private const int MaxGathered = 16 << 20;

    /// <summary>What is kept for the next frame. Those of a relay are smaller, and a client of larger ones must not hold that much for good.</summary>
    private const int MaxKept = 256 << 10;

    private ArrayBufferWriter<byte> _gathered = new();
    private readonly PendingSend _pending = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private bool _failedByScript;

    /// <summary>How many bytes it has room for. A test bounds them.</summary>
    public int Capacity => _gathered.Capacity;

    public override int Received(ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        // One frame of the link is one frame for the script, unless it is too large to hold: then it comes in pieces.
        _gathered.Write(data);
        if (isFrameEnd || _gathered.WrittenCount >= MaxGathered)
        {
            Flush();
        }

        return 0;
    }

    public override void PeerEnded()
    {
        Flush();
        exchange.Add(new Frame(FrameKind.End, client.Meta, []));
        if (client.EndSent)
        {
            exchange.Remove(client);
        }
    }

    public override void Failed(string code, string message)
    {
        _pending.Complete(sent: false);
        exchange.Remove(client);
        if (!_failedByScript)
        {
            exchange.Add(new Frame(FrameKind.Error, client.Meta, ErrorBody.Create(message, code)));
        }
    }

    public override void LinkLost() => Failed(ErrorCode.LinkLost, "the link was lost");

    public override void Sent() => _pending.Complete(sent: true);

    /// <summary>Sends bytes of the client in frames, each in its turn. False when the client is over.</summary>
    public async Task<bool> SendAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (!body.IsEmpty)
            {
                var piece = body[..Math.Min(body.Length, client.IsDatagram ? FrameLength : Math.Min(FrameLength, link.BodyLength))];
                body = body[piece.Length..];
                var frame = FrameEncoder.Encode(FrameKind.Message, client.Meta, piece.Span);
                if (client.EndSent || !await link.SendOrWithdrawAsync(client, frame, _pending, cancellationToken).ConfigureAwait(false))
                {
                    return false;
                }
            }

            return true;
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Sends nothing more, once all that is being sent is out.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            link.End(client);
        }
        finally
        {
            _sending.Release();
        }

        if (client.IsClosed)
        {
            exchange.Remove(client);
        }
    }

    public void Fail(string code, string message)
    {
        _failedByScript = true;
        link.Fail(client, code, message);
    }

    private void Flush()
    {
        if (_gathered.WrittenCount > 0)
        {
            var data = _gathered.WrittenSpan.ToArray();
            if (_gathered.Capacity > MaxKept)
            {
                _gathered = new ArrayBufferWriter<byte>();
            }
            else
            {
                _gathered.ResetWrittenCount();
            }

            if (!exchange.TryAdd(new Frame(FrameKind.Message, client.Meta, data), () => link.Delivered(client, data.Length)))
            {
                link.Fail(client, ErrorCode.Overflow, "the script does not take its frames");
            }
        }
    }
}
