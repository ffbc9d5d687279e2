using System.Net.Sockets;
using MProxy.Engine.Carriers;
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
    // Of what is read at once, and thereby of a frame. A buffer of the pool holds it and its header.
    private const int ReadLength = (128 << 10) - WireFormat.MaxHeaderRoom;

    // Clients are many, and most say little: one that fills this gets the long one.
    private const int FirstLength = (16 << 10) - WireFormat.MaxHeaderRoom;
    private const int MaxIgnored = 256 << 10;

    /// <summary>How long a client that was stopped is still listened to: who is cut off while it sends may never see its last answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>How long an answer may take on which it depends what the client may send.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);

    private readonly PendingSend _pending = new();
    private readonly TaskCompletionSource? _answered = filter is null ? null : new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[]? _buffer;
    private int _length = FirstLength;
    private int _held;

    // The most that came at once since it was last waited for.
    private int _most;
    private LoopTurn _turn;
    private volatile bool _isAnswered;

    /// <summary>Where bytes are read into, with room for a header in front.</summary>
    private Memory<byte> Body => (_buffer ??= link.Ledger.Rent(WireFormat.MaxHeaderRoom + _length)).AsMemory(WireFormat.MaxHeaderRoom, _length);

    /// <summary>The frame that was offered is on its way, or will never be.</summary>
    public void Complete(bool sent, bool inline) => _pending.Complete(sent, inline);

    /// <summary>The other way is about to end in order: nothing can be sent from here on.</summary>
    public void AnswerEnds() => _isAnswered = true;

    /// <summary>Bytes go the other way.</summary>
    public void AnswerSeen(ReadOnlySpan<byte> data)
    {
        if (filter is { NeedsAnswer: true })
        {
            filter.AnswerSeen(data);
            if (!filter.NeedsAnswer)
            {
                _answered!.TrySetResult();
            }
        }
    }

    /// <summary>Sends what comes until the client's end, or that of the link. The socket does not block.</summary>
    /// <returns>True where it ended in order.</returns>
    public async Task<bool> RunAsync(Socket socket, CancellationToken cancellationToken)
    {
        try
        {
            if (!first.IsEmpty)
            {
                _length = first.Length > FirstLength ? ReadLength : FirstLength;
                first.CopyTo(Body);
                _held = first.Length;
                first = default;
            }

            for (; ; )
            {
                var verdict = FilterVerdict.Go;
                var allowed = _held;
                if (filter is not null)
                {
                    verdict = filter.Check(_held == 0 ? default : Body.Span[.._held], out allowed);
                }

                if (allowed > 0 && !await TrySendAsync(allowed, cancellationToken).ConfigureAwait(false))
                {
                    return true;
                }

                if (verdict == FilterVerdict.Wait && !await TryWaitForAnswerAsync(cancellationToken).ConfigureAwait(false))
                {
                    verdict = FilterVerdict.Stop;
                }

                switch (verdict)
                {
                    case FilterVerdict.Stop:
                        link.End(client);
                        await IgnoreAsync(socket, Body, cancellationToken).ConfigureAwait(false);
                        return true;
                    case FilterVerdict.Wait:
                        continue;
                    default:
                        break;
                }

                int count;
                while (!TryReceive(socket, out count))
                {
                    await _turn.Watch(socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken)).ConfigureAwait(false);
                }

                if (count == 0)
                {
                    if (!_isAnswered && TcpSocket.WasReset(socket) && !_isAnswered)
                    {
                        // So that nobody at the other side takes a part for the whole.
                        throw new SocketException((int)SocketError.ConnectionReset);
                    }

                    link.End(client);
                    return true;
                }

                _held += count;
                await _turn.Moved(count);
            }
        }
        catch (Exception error)
        {
            if (!ClientPump.TryFail(link, client, error))
            {
                throw;
            }

            return false;
        }
        finally
        {
            ReturnBuffer();
        }
    }

    /// <summary>Sends as much of what is held in a frame, when it is this client's turn. False where the client is over.</summary>
    private async ValueTask<bool> TrySendAsync(int length, CancellationToken cancellationToken)
    {
        if (throttle is not null)
        {
            await throttle.SpendAsync(length, cancellationToken).ConfigureAwait(false);
        }

        // The header goes into the room in front, so that both are one contiguous run.
        var buffer = _buffer!;
        var header = client.Message.WriteBefore(buffer.AsSpan(0, WireFormat.MaxHeaderRoom), length);
        var sending = link.SendAsync(client, buffer.AsMemory(WireFormat.MaxHeaderRoom - header, header + length), _pending);
        if (!await _turn.Watch(sending).ConfigureAwait(false))
        {
            return false;
        }

        Body[length.._held].CopyTo(Body);
        _held -= length;
        return true;
    }

    /// <summary>Receives behind what is held; nothing at the end. False where nothing is there yet, which is waited for without a buffer: clients that are silent may be many.</summary>
    private bool TryReceive(Socket socket, out int count)
    {
        Grow();
        count = socket.Receive(Body.Span.Slice(_held, Room()), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            if (_held == 0)
            {
                ReturnBuffer();
                _length = _most > FirstLength / 2 ? ReadLength : FirstLength;
                _most = 0;
            }

            return false;
        }

        _most = Math.Max(_most, count);
        return error == SocketError.Success ? true : throw new SocketException((int)error);
    }

    /// <summary>How much to receive at once. What a filter holds back may need the rest of the buffer.</summary>
    private int Room()
    {
        var most = _held == 0 ? Math.Min(link.BodyLength, _length) : _length - _held;
        return Math.Min(most, throttle?.Piece ?? most);
    }

    /// <summary>The long buffer for one that has filled the other.</summary>
    private void Grow()
    {
        if (_length == ReadLength || (_most < FirstLength && _held < FirstLength))
        {
            return;
        }

        var held = _buffer;
        _buffer = null;
        _length = ReadLength;
        if (held is not null)
        {
            held.AsSpan(WireFormat.MaxHeaderRoom, _held).CopyTo(Body.Span);
            link.Ledger.Return(held);
        }
    }

    private void ReturnBuffer()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            link.Ledger.Return(buffer);
        }
    }

    private async Task<bool> TryWaitForAnswerAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _answered!.Task.WaitAsync(AnswerTimeout, time, cancellationToken).ConfigureAwait(false);
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
