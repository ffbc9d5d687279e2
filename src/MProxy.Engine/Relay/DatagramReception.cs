using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Link;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>Receives the datagrams of one port, and knows which client each is of. Clients answer through it.</summary>
/// <param name="socket">The port's socket, which its owner closes.</param>
/// <param name="isDns">Clients are told apart, and brought to devices, by the name of their question too.</param>
/// <param name="router">Brings new clients to devices.</param>
/// <param name="tasks">Who waits for what is under way.</param>
/// <param name="ledger">Where the buffer is noted.</param>
internal sealed class DatagramReception(Socket socket, bool isDns, DatagramRouter router, TaskSet tasks, ResourceLedger ledger)
{
    private const int BufferLength = 64 << 10;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    private readonly Dictionary<ClientKey, DatagramClient> _clients = [];
    private readonly SoughtDatagrams _sought = new();
    private readonly int _port = ((IPEndPoint)socket.LocalEndPoint!).Port;

    /// <summary>Questions are answered here.</summary>
    public bool IsDns => isDns;

    /// <summary>Receives until it is cancelled, or the socket closed.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var buffer = ledger.Rent(BufferLength);
        var address = new SocketAddress(socket.AddressFamily);
        var turn = new LoopTurn();
        try
        {
            for (; ; )
            {
                int count;
                try
                {
                    count = await turn.Watch(socket.ReceiveFromAsync(buffer, SocketFlags.None, address, cancellationToken)).ConfigureAwait(false);
                }
                catch (SocketException error) when (error.SocketErrorCode is not (SocketError.OperationAborted or SocketError.Interrupted or SocketError.NotSocket))
                {
                    // That one is lost; others are not. Whatever the system has against the socket may pass.
                    router.Dropped(DatagramDrop.Unreceived);
                    await Task.Delay(error.SocketErrorCode == SocketError.MessageSize ? TimeSpan.Zero : Pause, cancellationToken).ConfigureAwait(false);
                    continue;
                }

                Take(buffer.AsSpan(0, count), address, cancellationToken);
                await turn.Moved(count);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Cancelled, or the socket was closed.
        }
        finally
        {
            ledger.Return(buffer);
            EndAll();
        }
    }

    /// <summary>Sends to a client, without waiting: what the system does not take now is lost.</summary>
    public void Send(ReadOnlySpan<byte> datagram, SocketAddress address)
    {
        try
        {
            socket.SendTo(datagram, SocketFlags.None, address);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            router.Dropped(DatagramDrop.Unsendable);
        }
    }

    /// <summary>A client is over: its next datagram brings a new one.</summary>
    public void Remove(in ClientKey key, DatagramClient client)
    {
        lock (_clients)
        {
            if (_clients.TryGetValue(key, out var current) && current == client)
            {
                _clients.Remove(key);
            }
        }
    }

    private void Take(ReadOnlySpan<byte> datagram, SocketAddress address, CancellationToken cancellationToken, bool wasSought = false)
    {
        var query = isDns ? DnsQuery.TryRead(datagram, out _) : null;
        if (isDns && query is not { IsAnswer: false })
        {
            router.Dropped(DatagramDrop.NoQuestion);
            return;
        }

        DatagramClient? client;
        lock (_clients)
        {
            _ = _clients.TryGetValue(new ClientKey(address, query?.Name), out client);
        }

        if (client is null)
        {
            // The address that was received into is overwritten by the next datagram.
            var key = new ClientKey(Copy(address), query?.Name);
            if (_sought.TryKeep(key, datagram))
            {
                return;
            }

            var endpoint = (IPEndPoint)((IPEndPoint)socket.LocalEndPoint!).Create(key.Address);
            var meta = Meta(endpoint, query);
            if (!router.TryOpen(meta, endpoint, (link, connection, opened) => client = Join(link, connection, opened, key), out var refusal))
            {
                if (wasSought || !_sought.TryBegin(key, datagram))
                {
                    router.Dropped(DatagramDrop.Full);
                }
                else
                {
                    tasks.Run(() => SeekAsync(key, meta, cancellationToken));
                }

                return;
            }

            if (refusal is not null)
            {
                Answer(datagram, query, refusal, address);
                return;
            }
        }

        if (client?.Take(datagram) == false && query is not null)
        {
            // Its client has just ended, or too many wait: over TCP it waits its turn.
            Send(query.ToTruncated(datagram), address);
        }
    }

    /// <summary>Asks where the device of a client is, and goes on with what the client has sent by then.</summary>
    private async Task SeekAsync(ClientKey key, FrameMeta meta, CancellationToken cancellationToken)
    {
        await router.PrepareAsync(meta, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var datagram in _sought.End(key))
        {
            Take(datagram, key.Address, cancellationToken, wasSought: true);
        }
    }

    /// <summary>The port is closed, and may be opened again: answers to clients from before would go nowhere, and keep new ones away.</summary>
    private void EndAll()
    {
        DatagramClient[] clients;
        lock (_clients)
        {
            clients = [.. _clients.Values];
        }

        Array.ForEach(clients, client => client.End());
    }

    private DatagramClient Join(IClientLink link, LinkConnection connection, LinkClient opened, in ClientKey key)
    {
        var client = new DatagramClient(connection, opened, this, router, key, link.NewThrottles(opened));
        lock (_clients)
        {
            _clients[key] = client;
        }

        return client;
    }

    /// <summary>One who asks is told, in no more bytes than it sent; any other hears nothing.</summary>
    private void Answer(ReadOnlySpan<byte> datagram, DnsQuery? query, ClientRefusal refusal, SocketAddress address)
    {
        if (query is null)
        {
            return;
        }

        if (refusal == ClientRefusal.Duplicate)
        {
            // Over TCP each question may have a connection of its own.
            Send(query.ToTruncated(datagram), address);
        }
        else if (refusal.MeansNoDevice)
        {
            Send(query.ToRefused(datagram), address);
        }
    }

    private FrameMeta Meta(IPEndPoint endpoint, DnsQuery? query) => ClientIdentity.ToMeta(endpoint) with
    {
        Service = isDns ? ClientService.Dns : ClientService.Udp,
        ServicePort = _port,
        Name = query?.Name,
    };

    private static SocketAddress Copy(SocketAddress address)
    {
        var copy = new SocketAddress(address.Family, address.Size);
        address.Buffer.Span[..address.Size].CopyTo(copy.Buffer.Span);
        return copy;
    }

    /// <summary>What a client is known by: where it sends from, and what for.</summary>
    internal readonly record struct ClientKey(SocketAddress Address, string? Name);
}
