using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Fleet;
using MProxy.Engine.Metrics;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tokens;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>What holds for a client on one link holds for one that goes over another relay.</summary>
public sealed class HopTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Relays_may_meet_over_WebSockets_and_the_metrics_tell_of_it()
    {
        Func<RelayOptions, RelayOptions> overWeb = options => options with { Fleet = options.Fleet! with { PeerListen = CarrierUri.Parse("wss://127.0.0.1:0/fleet") } };
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1", overWeb), await world.AddRelayAsync("r2", overWeb));
        await world.AddWebAsync("app.example.com", there);
        await world.SettledAsync();
        using var client = await FrontClient.ConnectAsync(here.HttpPort[0]);
        Assert.Equal("app.example.com", await FleetWorld.AskAsync(client, "app.example.com"));
        Assert.StartsWith("wss://127.0.0.1:", $"{there.PeerListen}", StringComparison.Ordinal);
        Assert.Equal((1, 1), ((IMeterSource)here).Peers);
        Assert.Equal((0, 0), ((IMeterSource)there).Peers);
        Assert.Equal(new Dictionary<string, long> { ["Up"] = 2, ["Draining"] = 0, ["Lost"] = 0 }, ((IMeterSource)here).FleetRelays);
    }

    [Fact]
    public async Task Who_has_said_all_still_hears_all()
    {
        await using var world = new FleetWorld();
        var (here, _) = await AddPairAsync(world, async local =>
        {
            var asked = await LocalService.ReadAllAsync(local);
            await LocalService.SendAllAsync(local, asked, asked.Length);
        });
        var sent = RandomNumberGenerator.GetBytes(3_000_000);
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", here.TcpPort[0], Token);
        await LocalService.SendAllAsync(client, sent, sent.Length);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(sent, await LocalService.ReadAllAsync(client));
    }

    [Fact]
    public async Task A_service_that_speaks_first_is_heard()
    {
        await using var world = new FleetWorld();
        var (here, _) = await AddPairAsync(world, async local =>
        {
            await LocalService.SendAllAsync(local, "SSH-2.0-x\r\n"u8.ToArray(), 4);
            local.Shutdown(SocketShutdown.Send);
            await LocalService.IgnoreAsync(local);
        });
        for (var i = 0; i < 20; i++)
        {
            using var client = await TcpSocket.ConnectAsync("127.0.0.1", here.TcpPort[0], Token);
            Assert.Equal("SSH-2.0-x\r\n"u8.ToArray(), await LocalService.ReadAllAsync(client));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_is_passed_on_as_one(bool isOfClient)
    {
        await using var world = new FleetWorld();
        var outcome = new TaskCompletionSource<SocketError>();
        var (here, _) = await AddPairAsync(world, async local =>
        {
            await LocalService.ReadExactlyAsync(local, new byte[1]);
            await LocalService.SendAllAsync(local, new byte[1], 1);
            if (isOfClient)
            {
                outcome.SetResult((await Assert.ThrowsAsync<SocketException>(() => LocalService.ReadAllAsync(local))).SocketErrorCode);
            }
            else
            {
                TcpSocket.ResetOnClose(local);
            }
        });
        using var client = await FrontClient.ConnectAsync(here.TcpPort[0]);
        await client.SendAsync("x");
        if (isOfClient)
        {
            await client.ReadAsync(1);
            TcpSocket.ResetOnClose(client.Socket);
            client.Dispose();
            Assert.Equal(SocketError.ConnectionReset, await outcome.Task.WaitAsync(TimeSpan.FromSeconds(10), Token));
        }
        else
        {
            await client.IsResetAsync();
        }
    }

    [Fact]
    public async Task One_that_reads_nothing_holds_up_no_other_and_little_waits_for_it()
    {
        await using var world = new FleetWorld();
        var (here, there) = await AddPairAsync(world, LocalService.FloodAsync);
        using var stalled = await TcpSocket.ConnectAsync("127.0.0.1", here.TcpPort[0], Token);
        await Until.TrueAsync(() => here.Connections.Any(connection => connection.State == ConnectionState.Paused));
        using var other = await TcpSocket.ConnectAsync("127.0.0.1", here.TcpPort[0], Token);
        await LocalService.ReadExactlyAsync(other, new byte[64 << 20]).WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.All(here.Fleet!.Links, link => Assert.InRange(link.Connection.Waiting, 0, 32 << 20));
        Assert.All(there.Registry.Links, link => Assert.InRange(link.Connection.Waiting, 0, 32 << 20));
        TcpSocket.ResetOnClose(stalled);
        TcpSocket.ResetOnClose(other);
    }

    [Fact]
    public async Task The_same_address_and_port_over_two_relays_is_refused_as_over_one()
    {
        await using var world = new FleetWorld();
        var (one, two) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        var three = await world.AddRelayAsync("r3");
        await world.AddWebAsync("app.example.com", three);
        await FleetWorld.ServesAsync(one, "app.example.com");
        await FleetWorld.ServesAsync(two, "app.example.com");
        var port = FreePort.Take();
        using var first = await ConnectFromAsync(port, one.HttpPort[0]);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(first), StringComparison.Ordinal);
        using (var second = await ConnectFromAsync(port, two.HttpPort[0]))
        {
            Assert.StartsWith("HTTP/1.1 503", await AskAsync(second), StringComparison.Ordinal);

            // Or the pair of addresses stays taken for a while, where this end is the first to close.
            TcpSocket.ResetOnClose(second);
        }

        Assert.StartsWith("HTTP/1.1 200", await AskAsync(first), StringComparison.Ordinal);

        // Gone, and free again, as over one.
        first.Close();
        await Until.TrueAsync(() => three.ClientCount == 0);
        using var third = await ConnectFromAsync(port, two.HttpPort[0]);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(third), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_a_relay_ends_its_clients_are_cut_off_and_others_stay()
    {
        await using var world = new FleetWorld();
        var (one, two) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        await world.AddWebAsync("one.example.com", one);
        await world.AddWebAsync("two.example.com", two);
        await FleetWorld.ServesAsync(one, "two.example.com");
        using var near = await FrontClient.ConnectAsync(one.HttpPort[0]);
        using var far = await FrontClient.ConnectAsync(one.HttpPort[0]);
        Assert.Equal("one.example.com", await FleetWorld.AskAsync(near, "one.example.com"));
        Assert.Equal("two.example.com", await FleetWorld.AskAsync(far, "two.example.com"));
        await world.StopAsync(two);
        await far.IsResetAsync();
        Assert.Equal("one.example.com", await FleetWorld.AskAsync(near, "one.example.com"));
        Assert.StartsWith("HTTP/1.1 502", await FrontClient.AskAsync(one.HttpPort[0], "GET / HTTP/1.1\r\nHost: two.example.com\r\n\r\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Strangers_are_no_relays(bool hasCertificate)
    {
        await using var world = new FleetWorld();
        var relay = await world.AddRelayAsync("r1");
        using var other = TestCertificate.SelfSigned("other");
        using var socket = await TcpSocket.ConnectAsync("127.0.0.1", relay.PeerListen!.Port, Token);
        await using var tls = new SslStream(new NetworkStream(socket), false, (_, certificate, _, _) => certificate is not null);
        var end = await Record.ExceptionAsync(async () =>
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", ClientCertificates = hasCertificate ? [other] : null }, Token);
            Assert.Equal(0, await tls.ReadAsync(new byte[100], Token));
        });
        Assert.True(end is null or IOException or System.Security.Authentication.AuthenticationException, $"{end}");
        await Until.TrueAsync(() => relay.LinkRefusedBy.Values.Sum() == 1);
    }

    [Fact]
    public async Task A_parted_network_gives_clients_an_answer_and_heals_without_a_wrong_byte()
    {
        await using var world = new FleetWorld();
        TcpProxy? way = null;
        var here = await world.AddRelayAsync("r1", FleetWorld.WithoutTokens);
        var peer = FreePort.Take();
        way = new TcpProxy(peer);
        await using var between = way;
        var there = await world.AddRelayAsync("r2", options => FleetWorld.WithoutTokens(options) with
        {
            Fleet = options.Fleet! with { PeerListen = CarrierUri.Parse($"tls://127.0.0.1:{peer}"), PeerAddress = CarrierUri.Parse($"tls://127.0.0.1:{way.Uri.Port}"), HopTimeout = TimeSpan.FromSeconds(1) },
        });
        var bytes = new KnownBytes();
        await world.AddDeviceAsync(world.AddService(bytes.ServeAsync).Target, new Grant(), there);
        await world.SettledAsync();
        var number = 0;
        Assert.True(await bytes.AskAsync(here.TcpPort[0], ++number, 1000, Token));
        for (var round = 0; round < 3; round++)
        {
            // Clients are under way when it parts; none of them may hang, nor see a wrong byte.
            var busy = Enumerable.Range(0, 8).Select(_ => bytes.AskAsync(here.TcpPort[0], Interlocked.Increment(ref number), 20_000_000, Token)).ToArray();
            await Until.TrueAsync(() => here.ClientCount > 0);
            way.Part();
            var late = bytes.AskAsync(here.TcpPort[0], Interlocked.Increment(ref number), 1000, Token);
            Assert.True(await bytes.AskAsync(there.TcpPort[0], Interlocked.Increment(ref number), 1000, Token));
            Assert.False(await late.WaitAsync(TimeSpan.FromSeconds(20), Token));
            await Task.WhenAll(busy).WaitAsync(TimeSpan.FromSeconds(30), Token);
            way.Heal();
            await Until.TrueAsync(() => bytes.AskAsync(here.TcpPort[0], Interlocked.Increment(ref number), 1000, Token).WaitAsync(TimeSpan.FromSeconds(20), Token));
        }
    }

    /// <summary>A relay whose clients go to a device at another.</summary>
    private static async Task<(RelayServer Here, RelayServer There)> AddPairAsync(FleetWorld world, Func<Socket, Task> serve)
    {
        var (here, there) = (await world.AddRelayAsync("r1", FleetWorld.WithoutTokens), await world.AddRelayAsync("r2", FleetWorld.WithoutTokens));
        await world.AddDeviceAsync(world.AddService(serve).Target, new Grant(), there);
        await world.SettledAsync();
        return (here, there);
    }

    private static async Task<Socket> ConnectFromAsync(int from, int to)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, from));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, to), Token);
        return socket;
    }

    private static async Task<string> AskAsync(Socket client)
    {
        await LocalService.SendAllAsync(client, "GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n"u8.ToArray(), 100);
        var buffer = new byte[2000];
        var count = await client.ReceiveAsync(buffer, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Token);
        return System.Text.Encoding.ASCII.GetString(buffer, 0, count);
    }
}
