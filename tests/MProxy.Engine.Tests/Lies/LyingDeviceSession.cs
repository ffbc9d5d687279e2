using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tokens;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Lies;

/// <summary>A device that lies to a relay, which has an honest device too, whose clients must not notice.</summary>
internal sealed class LyingDeviceSession(int seed) : LyingSession(seed)
{
    // A reader, a writer and a pump each way for every client of the liar and of the honest device.
    private const int MaxBuffers = 60;
    private const int MostClients = 8;

    private static readonly TokenKey Key = TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32));

    private readonly List<Socket> _clients = [];

    public override async Task RunAsync()
    {
        var scheme = AnyScheme();
        ConcurrentQueue<Event> events = new();
        var service = NewService(new KnownBytes().ServeAsync);
        var relay = RelayServer.Start(WorldOptions.Relays($"{scheme}://127.0.0.1:0") with { TcpPort = [0, 0], Keys = [Key], Link = Bounds, Limits = HonestClients.Limits });
        relay.EventRaised += (_, happened) => events.Enqueue(happened);
        Tunnel? tunnel = null;
        try
        {
            tunnel = await Tunnel.StartAsync(
                WorldOptions.Tunnels(WorldOptions.Links(relay.Listen[0]) with { Tokens = [TokenFor(relay.TcpPort[0])] }, "tcp", service.Target), cancellationToken: Stopping.Token);
            Note(scheme);
            await LieAsync(scheme, relay, tunnel, events);
        }
        finally
        {
            _clients.ForEach(client => client.Dispose());
            await (tunnel?.DisposeAsync() ?? default);
            await relay.DisposeAsync();
            await service.DisposeAsync();
        }

        IsEmpty(tunnel.Ledger);
        IsEmpty(relay.Ledger);
        Assert.Equal((0, 0), (relay.Admission.Count, relay.Admission.Arrivals.Count));
        Assert.Equal(0, relay.Pending.Count);
    }

    private static string TokenFor(int port) => TokenLibrary.Load().Create(new TokenClaims { Grant = new Grant { Ports = [port] } }, Key, DateTimeOffset.UtcNow);

    private async Task LieAsync(string scheme, RelayServer relay, Tunnel tunnel, ConcurrentQueue<Event> events)
    {
        var honest = new HonestClients(relay.TcpPort[0], Seed);
        var goesOn = true;
        var asking = honest.RunAsync(() => Volatile.Read(ref goesOn), Stopping.Token);
        var token = Chance.Next(6) > 0 ? TokenFor(relay.TcpPort[1]) : null;
        var peer = await LyingPeer.DialAsync(scheme, relay.Listen[0].Port, Stopping.Token, receiveBuffer: 8 << 10);
        await using (var liar = new Liar(peer, isRelay: false, Chance, () => tunnel.Connections.Select(client => client.SocketId), Stopping.Token)
        {
            Token = token,
            BringClientAsync = () => BringClientAsync(relay.TcpPort[1]),
        })
        {
            await LyingScript.RunAsync(liar, Note, () => CheckMemory(relay));
            Volatile.Write(ref goesOn, false);
            await asking;
            (HonestCount, Slowest) = (honest.Count, honest.Slowest);
            CheckMemory(relay);
        }

        // Whatever it was, the relay is rid of it, for one reason that is told of once; the honest device is where it was.
        await Until.TrueAsync(() => relay.Registry.Links.Length == 1 && CountEnds(relay, events) > 0);
        await relay.EventsHandedOut;
        Assert.Equal(1, CountEnds(relay, events));
        Ends.Add(EndsIn(events) is [var end] ? end.Code ?? end.Message.Split(": ", 2)[^1] : relay.LinkRefusedBy.Keys.Single());
        Assert.Equal(LinkState.Connected, tunnel.State);
        await new HonestClients(relay.TcpPort[0], Seed).RunAsync(() => false, Stopping.Token);
        await Until.TrueAsync(() => relay.ClientCount == 0);
    }

    /// <summary>Who was a device is told of as lost; who never was, is counted as refused.</summary>
    private static long CountEnds(RelayServer relay, ConcurrentQueue<Event> events) => events.Count(one => one.Kind == EventKind.LinkLost) + relay.LinkRefusedBy.Values.Sum();

    private static void CheckMemory(RelayServer relay)
    {
        Assert.InRange(relay.Ledger.Buffers, 0, MaxBuffers);
        Assert.All(relay.Registry.Links, link => Assert.InRange(link.Connection.Waiting, 0, LinkBudget));
    }

    /// <summary>A client of the liar, whom nothing is promised: it says something, and reads or does not. The relay may refuse it.</summary>
    private async Task BringClientAsync(int port)
    {
        if (_clients.Count == MostClients)
        {
            return;
        }

        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 8 << 10 };
        _clients.Add(client);
        try
        {
            await client.ConnectAsync("127.0.0.1", port, Stopping.Token);
            await client.SendAsync(new byte[Chance.Next(1, 5000)], Stopping.Token);
            if (Chance.Next(3) == 0)
            {
                client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (SocketException)
        {
            // Nobody serves it now.
        }
    }
}
