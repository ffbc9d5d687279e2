using System.Net.Sockets;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>
/// One client's way from its local socket to the link. The next read waits until the last frame is on its way, which is what slows a fast
/// client down.
/// </summary>
/// <param name="link">Where its frames go.</param>
/// <param name="client">The client.</param>
/// <param name="first">What was read of it before.</param>
/// <param name="filter">Decides how much of what it sends may go on; null for all.</param>
/// <param name="throttle">Holds back what it sends; null where nothing does.</param>
/// <param name="time">The clock.</param>
internal sealed class ClientUplink(LinkConnection link, LinkClient client, ReadOnlyMemory<byte> first, IClientFilter? filter, ClientThrottle? throttle, TimeProvider time)
{
    private const int ReadLength = 64 << 10;
    private const int MaxIgnored = 256 << 10;

    /// <summary>How long a client that was stopped is still listened to: who is cut off while it sends may never see its last answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>How long an answer may take on which it depends what the client may send.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);

    private readonly PendingSend _pending = new();
    private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The frame that was offered is on its way, or will never be.</summary>
    public void Complete(bool sent) => _pending.Complete(sent);

    /// <summary>Bytes go the other way.</summary>
    public void AnswerSeen(ReadOnlySpan<byte> data)
    {
        if (filter is { NeedsAnswer: true })
        {
            filter.AnswerSeen(data);
            if (!filter.NeedsAnswer)
            {
                _answered.TrySetResult();
            }
        }
    }

    /// <summary>Sends what comes until the client's end, or that of the link.</summary>
    public async Task RunAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = link.Ledger.Rent(WireFormat.MaxHeaderRoom + ReadLength);
        try
        {
            var body = buffer.AsMemory(WireFormat.MaxHeaderRoom, ReadLength);
            first.CopyTo(body);
            var held = first.Length;
            first = default;
            for (; ; )
            {
                var verdict = FilterVerdict.Go;
                var allowed = held;
                if (filter is not null)
                {
                    verdict = filter.Check(body.Span[..held], out allowed);
                }

                if (allowed > 0)
                {
                    if (throttle is not null)
                    {
                        await throttle.SpendAsync(allowed, cancellationToken).ConfigureAwait(false);
                    }

                    // The header goes into the room in front, so that both are one contiguous run.
                    var header = client.Message.WriteBefore(buffer.AsSpan(0, WireFormat.MaxHeaderRoom), allowed);
                    var frame = buffer.AsMemory(WireFormat.MaxHeaderRoom - header, header + allowed);
                    if (!await link.SendAsync(client, frame, _pending).ConfigureAwait(false))
                    {
                        return;
                    }

                    body[allowed..held].CopyTo(body);
                    held -= allowed;
                }

                if (verdict == FilterVerdict.Wait && !await TryWaitForAnswerAsync(cancellationToken).ConfigureAwait(false))
                {
                    verdict = FilterVerdict.Stop;
                }

                switch (verdict)
                {
                    case FilterVerdict.Stop:
                        link.End(client);
                        await IgnoreAsync(socket, body, cancellationToken).ConfigureAwait(false);
                        return;
                    case FilterVerdict.Wait:
                        continue;
                    default:
                        break;
                }

                var room = Math.Min(ReadLength - held, throttle?.Piece ?? ReadLength);
                var count = await socket.ReceiveAsync(body.Slice(held, room), SocketFlags.None, cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    link.End(client);
                    return;
                }

                held += count;
            }
        }
        finally
        {
            link.Ledger.Return(buffer);
        }
    }

    private async Task<bool> TryWaitForAnswerAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _answered.Task.WaitAsync(AnswerTimeout, time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task IgnoreAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            var count = 1;
            for (var total = 0; count > 0 && total < MaxIgnored; total += count)
            {
                count = await socket.ReceiveAsync(buffer, SocketFlags.None, either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
    }
}
