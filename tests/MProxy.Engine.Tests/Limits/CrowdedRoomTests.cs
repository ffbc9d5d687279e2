using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Limits;

/// <summary>A relay whose places are all taken, all the time: nobody who has to go takes more with him.</summary>
[Collection("measured")]
public sealed class CrowdedRoomTests
{
    private const int Threads = 8;
    private const int Refused = 300;
    private const int Places = 4;

    private static readonly TimeSpan Lasting = TimeSpan.FromSeconds(4);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void One_that_has_to_go_before_it_is_taken_is_no_carrier()
    {
        using var listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        using var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        near.Connect(listener.LocalEndPoint!);
        var far = listener.Accept();
        var (room, ledger) = (new WaitingRoom(() => (1, 1)), new ResourceLedger());
        var place = room.TryEnter(IPAddress.Parse("10.0.0.1"), () => TcpSocket.TryShutdown(far))!;
        using var other = room.TryEnter(IPAddress.Parse("10.0.0.2"), () => { });
        Assert.Null(CarrierHandshake.Prepare(CarrierUri.Parse("tcp://127.0.0.1:0"), new ListenOptions(), ledger, TimeProvider.System).TryAccept(far, place));
        Assert.True(ledger.IsEmpty, $"{ledger}");
        Assert.Equal(1, room.Count);
    }

    [Fact]
    public async Task Listeners_that_share_one_place_all_go_on()
    {
        await using var relay = RelayServer.Start(new RelayOptions
        {
            Name = "crowded",
            Listen = [.. Enumerable.Repeat(CarrierUri.Parse("tcp://127.0.0.1:0"), 4)],
            TcpPort = [],
            Keys = [MemoryWorld.Key],
            Limits = new RelayLimits { MaxPendingLinks = 1, MaxPendingLinksPerAddress = 1 },
        });
        var ports = relay.Listen.Select(uri => uri.Port).ToArray();
        var since = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(
            () =>
            {
                for (var i = 0; Stopwatch.GetElapsedTime(since) < Lasting; i++)
                {
                    using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
                    try
                    {
                        stranger.Bind(new IPEndPoint(new IPAddress(new byte[] { 127, 0, (byte)(1 + thread), (byte)(1 + (i % 200)) }), 0));
                        stranger.Connect(IPAddress.Loopback, ports[(i + thread) % ports.Length]);
                    }
                    catch (SocketException)
                    {
                    }
                }
            },
            Token)));
        since = Stopwatch.GetTimestamp();
        foreach (var port in ports)
        {
            while (!await IsGreetedAsync(port))
            {
                Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(20), $"Nobody is greeted at {port} any more.");
            }
        }
    }

    /// <summary>Those who came before may still have to be taken, for the only place.</summary>
    private static async Task<bool> IsGreetedAsync(int port)
    {
        try
        {
            using var last = await FrontClient.ConnectAsync(port);
            return await last.ReadTextAsync(1) == "\u00fe";
        }
        catch (Exception error) when (error is SocketException or EndOfStreamException)
        {
            return false;
        }
    }

    [Fact]
    public async Task Those_who_wait_for_their_refusal_to_be_read_are_bounded_too()
    {
        await using var world = new FrontWorld(options => options with { Limits = options.Limits with { MaxArrivals = Places } });
        var (before, most) = (world.Relay.Ledger.Open, 0);
        List<FrontClient> clients = [];
        for (var i = 0; i < Refused; i++)
        {
            clients.Add(await FrontClient.ConnectAsync(world.Http));
            await clients[i].SendAsync("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n");

            // As many as have come to be refused are over, but for those who still have places.
            await Until.TrueAsync(() => world.Relay.RefusedCount == i + 1);
            most = Math.Max(most, world.Relay.Ledger.Open - before);
        }

        await Until.TrueAsync(() => world.Relay.Ledger.Open - before <= Places);
        Assert.InRange(most, 1, Places * 8);
        clients.ForEach(client => client.Dispose());
    }
}
