using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>A client of datagrams at the device: a socket of its own, which the local service answers to.</summary>
/// <param name="link">The link.</param>
/// <param name="client">The client.</param>
/// <param name="budget">What may wait for links in all.</param>
/// <param name="dropped">Told of each datagram that cannot go on.</param>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class LocalDatagrams(LinkConnection link, LinkClient client, DatagramBudget budget, Action dropped) : DatagramSink(link, client, budget)
{
    private const int MaxEarly = 64;

    /// <summary>Never written to by anybody who would look at it.</summary>
    private static readonly byte[] Peeked = new byte[1];

    private readonly CancellationTokenSource _stopping = new();
    private readonly Queue<byte[]> _early = new();
    private bool _isOver;
    private volatile Socket? _socket;

    /// <summary>Cancelled when the client is over.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Carries what the service answers until the client is over.</summary>
    /// <param name="socket">Connected to the service.</param>
    /// <param name="refused">Told when nobody is there, with the reason.</param>
    /// <param name="answered">Told of each answer.</param>
    /// <param name="cancellationToken">Ends it too.</param>
    public async Task RunAsync(Socket socket, Action<string> refused, Action answered, CancellationToken cancellationToken)
    {
        lock (_early)
        {
            while (_early.TryDequeue(out var datagram))
            {
                Unreserve(datagram.Length);
                Send(socket, datagram);
            }

            // Not before those that came early are gone: whoever sees the socket sends past this lock.
            _socket = socket;
        }

        var turn = new LoopTurn();
        while (!cancellationToken.IsCancellationRequested)
        {
            await turn.Moved();
            try
            {
                // Whoever waits for an answer holds no buffer.
                await turn.Watch(socket.ReceiveAsync(Peeked, SocketFlags.Peek, cancellationToken)).ConfigureAwait(false);
                answered();
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
            {
                // A datagram of ours met a closed port. The next may not.
                refused(error.Message);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.MessageSize)
            {
                // There is more than was peeked at.
            }
            catch (OperationCanceledException)
            {
                return;
            }

            Receive(socket);
        }
    }

    /// <inheritdoc/>
    public override void Over()
    {
        base.Over();
        lock (_early)
        {
            _isOver = true;
            while (_early.TryDequeue(out var datagram))
            {
                Unreserve(datagram.Length);
            }
        }

        // Not here and now: what is cancelled runs on, and the link's lock is held.
        _ = _stopping.CancelAsync();
    }

    /// <inheritdoc/>
    protected override void Deliver(ReadOnlySpan<byte> datagram)
    {
        if (_socket is not { } socket)
        {
            lock (_early)
            {
                if (_socket is null)
                {
                    if (!_isOver && _early.Count < MaxEarly && TryReserve(datagram.Length))
                    {
                        _early.Enqueue(datagram.ToArray());
                    }
                    else
                    {
                        dropped();
                    }

                    return;
                }

                socket = _socket;
            }
        }

        Send(socket, datagram);
    }

    private void Send(Socket socket, ReadOnlySpan<byte> datagram)
    {
        try
        {
            socket.Send(datagram, SocketFlags.None, out var error);
            if (error != SocketError.Success)
            {
                dropped();
            }
        }
        catch (ObjectDisposedException)
        {
            // The client is just over.
        }
    }

    private void Receive(Socket socket)
    {
        var buffer = Link.Ledger.Rent(MaxLength);
        try
        {
            // No more at once than others can wait for.
            for (var taken = 0; taken < MaxEarly; taken++)
            {
                var count = socket.Receive(buffer, 0, buffer.Length, SocketFlags.None, out var error);
                if (error != SocketError.Success)
                {
                    return;
                }

                if (!TrySend(buffer.AsSpan(0, Math.Min(count, MaxLength))))
                {
                    dropped();
                }
            }
        }
        finally
        {
            Link.Ledger.Return(buffer);
        }
    }
}
