using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Lies;

/// <summary>A relay that lies to a tunnel, which has a link to an honest relay too, whose clients must not notice.</summary>
internal sealed class LyingRelaySession(int seed) : LyingSession(seed)
{
    // Those of honest clients and of all that the liar may bring, two buffers and two sockets each; and the links' own.
    private const int MaxClients = 40;
    private const int MaxHeld = (2 * MaxClients) + 20;
    private const int MaxConnections = 3;

    public override async Task RunAsync()
    {
        var scheme = AnyScheme();
        Note(scheme);
        ConcurrentQueue<Event> events = new();
        var service = NewService(new KnownBytes().ServeAsync);
        var prey = new[] { NewService(LocalService.EchoAsync), NewService(LocalService.FloodAsync), NewService(_ => Task.Delay(Timeout.Infinite, Stopping.Token)) };

        var relay = RelayServer.Start(WorldOptions.Relays() with { Limits = HonestClients.Limits });
        var listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        Tunnel? tunnel = null;
        try
        {
            var target = WorldOptions.Links(CarrierUri.Parse($"{scheme}://{listener.LocalEndPoint}")) with { Link = Bounds, MaxRetryDelay = TimeSpan.FromMilliseconds(10) };
            var starting = Tunnel.StartAsync(
                new TunnelOptions
                {
                    Name = "lied to",
                    Relays = [WorldOptions.Links(relay.Listen[0]), target],
                    Service = Services(relay, service, prey),
                    MaxClients = MaxClients,
                },
                cancellationToken: Stopping.Token);
            tunnel = await starting;
            tunnel.EventRaised += (_, happened) => events.Enqueue(happened);
            await LieAsync(scheme, listener, relay, tunnel, events);
        }
        finally
        {
            await Stopping.CancelAsync();
            listener.Dispose();
            await (tunnel?.DisposeAsync() ?? default);
            await relay.DisposeAsync();
            foreach (var one in prey.Append(service))
            {
                await one.DisposeAsync();
            }
        }

        IsEmpty(tunnel.Ledger);
        IsEmpty(relay.Ledger);
        Assert.Equal(0, tunnel.Bound.Count);
        foreach (var end in EndsIn(events))
        {
            Ends.Add(end.Code ?? end.Message.Split(" Next try")[0]);
        }
    }

    /// <summary>What the liar's clients may reach has the ports 80 to 84: an echo, a flood, what takes nothing, what is not there, and no service at all.</summary>
    private static ServiceMap Services(RelayServer relay, FrontService service, FrontService[] prey) => new(
    [
        new($"{relay.TcpPort[0]}", LocalTarget.Parse(service.Target)),
        .. prey.Select((one, i) => KeyValuePair.Create($"{80 + i}", LocalTarget.Parse(one.Target))),
        new("83", LocalTarget.Parse("127.0.0.1:1")),
    ]);

    private async Task LieAsync(string scheme, Socket listener, RelayServer relay, Tunnel tunnel, ConcurrentQueue<Event> events)
    {
        await Until.TrueAsync(() => relay.LinkCount == 1);
        var honest = new HonestClients(relay.TcpPort[0], Seed);
        var goesOn = true;
        var asking = honest.RunAsync(() => Volatile.Read(ref goesOn), Stopping.Token);
        List<Liar> liars = [];
        try
        {
            for (var left = Chance.Next(1, MaxConnections + 1); left > 0; left--)
            {
                if (await NextAsync(scheme, listener, tunnel) is not { } liar)
                {
                    break;
                }

                // Each before it has ended for one reason, told of once.
                await tunnel.EventsHandedOut;
                Assert.Equal(liars.Count, EndsIn(events).Length);
                liars.Add(liar);
                await LyingScript.RunAsync(liar, Note, () => CheckMemory(tunnel));
                if (!liar.IsOver)
                {
                    // Silent, with its connection up.
                    break;
                }
            }

            Volatile.Write(ref goesOn, false);
            await asking;
            (HonestCount, Slowest) = (honest.Count, honest.Slowest);
            CheckMemory(tunnel);
            Assert.Equal(LinkState.Connected, tunnel.Links[0].State);
        }
        finally
        {
            foreach (var liar in liars)
            {
                await liar.DisposeAsync();
            }
        }
    }

    /// <summary>The next that is dialled; null where the liar before has refused the device for good.</summary>
    private async Task<Liar?> NextAsync(string scheme, Socket listener, Tunnel tunnel)
    {
        var accepting = listener.AcceptAsync(Stopping.Token).AsTask();
        if (await Task.WhenAny(accepting, tunnel.Links[1].Ended) != accepting)
        {
            _ = accepting.ContinueWith(late => late.Exception, TaskScheduler.Default);
            return null;
        }

        Note("is dialled");
        var peer = await LyingPeer.AcceptAsync(scheme, await accepting, Stopping.Token);
        return new Liar(peer, isRelay: true, Chance, () => tunnel.Links[0].Connections.Select(client => client.SocketId), Stopping.Token);
    }

    private static void CheckMemory(Tunnel tunnel)
    {
        Assert.InRange(tunnel.Ledger.Buffers, 0, MaxHeld);
        Assert.InRange(tunnel.Ledger.Open, 0, MaxHeld);
        Assert.InRange(tunnel.Bound.Count, 0, MaxClients);
        Assert.InRange(tunnel.Links[1].Connection?.Waiting ?? 0, 0, LinkBudget);
    }
}
