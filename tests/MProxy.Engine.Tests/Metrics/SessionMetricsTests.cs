using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Metrics;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Metrics;

/// <summary>What relays and tunnels tell of their links and clients.</summary>
public sealed class SessionMetricsTests : IDisposable
{
    /// <summary>A link's timer fires this much after its deadline.</summary>
    private static readonly TimeSpan TimerSlack = TimeSpan.FromMilliseconds(1);

    private readonly Listening _relay = new(EngineMeter.RelayName);
    private readonly Listening _tunnel = new(EngineMeter.TunnelName);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _relay.Dispose();
        _tunnel.Dispose();
    }

    [Fact]
    public async Task A_client_is_counted_at_both_ends()
    {
        await using var world = await World.StartAsync(local => LocalService.SendOnRequestAsync(local, new byte[5000]), Named());
        Assert.Equal(5000, (await world.ExchangeAsync([1], 1)).Length);
        foreach (var end in new[] { _relay, _tunnel })
        {
            await Until.TrueAsync(() => end.Value("mproxy.client.ended", "tcp", "end") == 1);
            Assert.Equal(1, end.Count("mproxy.client.duration", "tcp"));
            Assert.InRange(end.Value("mproxy.client.duration", "tcp"), double.Epsilon, 20);
            Assert.Equal((1, 5000), (end.Value("mproxy.client.io", "receive"), end.Value("mproxy.client.io", "transmit")));
            Assert.Equal((1, 1), (end.Value("mproxy.link.active"), end.Value("mproxy.link.opened")));
            Assert.Equal(0, end.Value("mproxy.client.active"));
        }

        // What one end has sent may still be on its way into the other's count.
        await Until.TrueAsync(() => _relay.Value("mproxy.link.io", "receive") == _tunnel.Value("mproxy.link.io", "transmit"));
        await Until.TrueAsync(() => world.Relay.BytesOut == _tunnel.Value("mproxy.link.io", "receive"));
        Assert.InRange(_relay.Value("mproxy.link.io", "receive"), 5000, 6000);
        Assert.Equal((1, 0), (_relay.Count("mproxy.client.time_to_first_byte", "tcp"), _tunnel.Count("mproxy.client.time_to_first_byte", "tcp")));
        Assert.Equal((0, 1), (_relay.Count("mproxy.dial.duration", "ok"), _tunnel.Count("mproxy.dial.duration", "ok")));

        // When it has ended, what is told once stays, and what is asked for is gone.
        await world.StopAsync();
        Assert.All([_relay, _tunnel], end => Assert.Equal((1, 0), (end.Value("mproxy.link.ended", "closed"), end.Value("mproxy.client.io", "transmit"))));
    }

    [Fact]
    public async Task Clients_that_are_there_and_their_pauses_are_counted()
    {
        var small = new LinkOptions { HighMark = 64 << 10, LowMark = 16 << 10 };
        var options = Named();
        await using var world = await World.StartAsync(
            LocalService.FloodAsync, options with { Relay = relay => options.Relay(relay) with { Link = small } });
        using (await world.ConnectAsync())
        {
            // More than one, as long as the system's buffers take some of it.
            await Until.TrueAsync(() => _relay.Value("mproxy.client.pauses", "transmit") is > 0 and var sent && _tunnel.Value("mproxy.client.pauses", "receive") == sent);
            Assert.All([_relay, _tunnel], end => Assert.Equal(1, end.Value("mproxy.client.active")));
            Assert.Equal((0, 0), (_relay.Value("mproxy.client.pauses", "receive"), _tunnel.Value("mproxy.client.pauses", "transmit")));
        }

        // The client went with bytes on their way to it.
        await Until.TrueAsync(() => _relay.Value("mproxy.client.ended", "tcp", ErrorCode.Unknown) == 1 && _tunnel.Value("mproxy.client.ended", "tcp", ErrorCode.Unknown) == 1);
        Assert.All([_relay, _tunnel], end => Assert.Equal(0, end.Value("mproxy.client.active")));
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_a_refused_dial()
    {
        // A port that is taken, so that nobody else gets it, and where nobody listens.
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var world = await World.StartAsync(_ => Task.CompletedTask, Named() with { Target = _ => $"{silent.LocalEndPoint}" });
        await MemoryWorld.IsResetAsync(world.Relay.TcpPort[0]);
        await Until.TrueAsync(() => _relay.Value("mproxy.client.ended", "tcp", ErrorCode.NoService) == 1 && _tunnel.Value("mproxy.client.ended", "tcp", ErrorCode.NoService) == 1);
        Assert.Equal((1, 0), (_tunnel.Count("mproxy.dial.duration", "refused"), _tunnel.Count("mproxy.dial.duration", "ok")));
    }

    [Fact]
    public async Task A_service_that_is_not_trusted_ends_its_clients_as_one_that_is_not_there_does()
    {
        await using var world = await World.StartAsync(ShakeHandsAsync, Named() with { Target = target => $"tls://{target}" });
        await MemoryWorld.IsResetAsync(world.Relay.TcpPort[0]);
        await Until.TrueAsync(() => _relay.Value("mproxy.client.ended", "tcp", ErrorCode.NoService) == 1 && _tunnel.Value("mproxy.client.ended", "tcp", ErrorCode.NoService) == 1);

        static async Task ShakeHandsAsync(Socket local)
        {
            await using var secure = new SslStream(new NetworkStream(local));
            await Record.ExceptionAsync(() => secure.AuthenticateAsServerAsync(TestCertificate.Relay));
        }
    }

    [Fact]
    public async Task Times_are_those_of_the_clock_and_a_code_that_a_peer_makes_up_is_shown_to_nobody()
    {
        await using var world = new MemoryWorld(Named);
        var device = await world.ConnectLinkAsync();
        var (client, connection) = await MemoryWorld.ConnectAsync(device, world.Relay.TcpPort[0]);
        using var _ = client;
        world.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(await device.SendFrameAsync(FrameKind.Message, connection.SocketId!, "a"u8.ToArray(), Token));
        await Until.TrueAsync(() => _relay.Count("mproxy.client.time_to_first_byte", "tcp") == 1);
        Assert.Equal(2, _relay.Value("mproxy.client.time_to_first_byte", "tcp"));
        world.Time.Advance(TimeSpan.FromSeconds(3));
        Assert.True(await device.SendFrameAsync(FrameKind.Message, connection.SocketId!, "b"u8.ToArray(), Token));
        Assert.True(await device.SendFrameAsync(FrameKind.Error, connection.SocketId!, "{\"code\":\"E_SECRET\",\"message\":\"secret\"}"u8.ToArray(), Token));
        await Until.TrueAsync(() => _relay.Value("mproxy.client.ended", "tcp", "other") == 1);
        Assert.Equal((1, 5), (_relay.Count("mproxy.client.duration", "tcp"), _relay.Value("mproxy.client.duration", "tcp")));
        Assert.Equal((1, 2), (_relay.Count("mproxy.client.time_to_first_byte", "tcp"), _relay.Value("mproxy.client.time_to_first_byte", "tcp")));
    }

    [Fact]
    public async Task A_refused_client_is_counted_by_its_reason()
    {
        await using var world = new MemoryWorld(Named);
        await MemoryWorld.IsResetAsync(world.Relay.TcpPort[0]);
        await Until.TrueAsync(() => _relay.Value("mproxy.client.refused", "no_device_serves_its_port") == 1);
    }

    [Fact]
    public async Task Who_comes_where_devices_do_and_becomes_no_link_is_counted_by_its_reason()
    {
        var time = new ManualTime();
        await using var relay = RelayServer.Start(
            WorldOptions.Relays() with { Name = _relay.Name, Listen = [CarrierUri.Parse("tcp://127.0.0.1:0"), CarrierUri.Parse("tls://127.0.0.1:0")] }, time);
        foreach (var (port, reason) in new[] { (relay.Listen[0].Port, "it_did_not_greet_as_a_device_does"), (relay.Listen[1].Port, "its_handshake_failed") })
        {
            using var stranger = await TcpSocket.ConnectAsync("127.0.0.1", port, Token);
            await stranger.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Token);
            await Until.TrueAsync(() => _relay.Value("mproxy.link.refused", reason) == 1);
        }

        using var silent = await TcpSocket.ConnectAsync("127.0.0.1", relay.Listen[0].Port, Token);
        await Until.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return _relay.Value("mproxy.link.refused", "it_did_not_greet_in_time") == 1;
        });
        Assert.Equal((3, 0), (relay.LinkRefusedBy.Values.Sum(), _relay.Value("mproxy.link.opened")));
    }

    [Fact]
    public async Task A_link_that_is_lost_and_comes_back_is_counted_at_both_ends()
    {
        await using var world = new MemoryWorld(Named);
        var tunnel = world.Own(await StartTunnelAsync(world));
        await Until.TrueAsync(() => _relay.Value("mproxy.link.active") == 1);
        Assert.Equal((1, 1), (_tunnel.Value("mproxy.link.active"), _tunnel.Value("mproxy.link.opened")));
        world.Cut();
        await Until.TrueAsync(() => _relay.Value("mproxy.link.ended", ErrorCode.LinkLost) == 1 && _tunnel.Value("mproxy.link.ended", ErrorCode.LinkLost) == 1);
        await Until.TrueAsync(() => _relay.Value("mproxy.link.active") == 0 && _tunnel.Value("mproxy.link.active") == 0);
        await world.Time.TimersAsync(TimeSpan.FromMilliseconds(250));
        world.Time.Advance(TimeSpan.FromMilliseconds(250));
        await Until.TrueAsync(() => _relay.Value("mproxy.link.opened") == 2 && _tunnel.Value("mproxy.link.opened") == 2);
        await Until.TrueAsync(() => tunnel.State == LinkState.Connected);
        Assert.Equal((1, 1), (_relay.Value("mproxy.link.active"), _tunnel.Value("mproxy.link.active")));
    }

    [Fact]
    public async Task Each_answered_probe_is_one_measure_of_the_round_trip()
    {
        // The device is patient: for as long as this takes, its own probes are not due.
        var pause = TimeSpan.FromSeconds(5);
        await using var world = new MemoryWorld(options => Named(options) with { Link = new LinkOptions { ProbeAfter = pause, ProbeTimeout = pause } });
        world.Own(await StartTunnelAsync(world));
        for (var i = 1; i <= 2; i++)
        {
            Assert.Equal(i - 1, _relay.Count("mproxy.link.round_trip.duration"));
            world.Time.Advance(pause + TimerSlack);
            await Until.TrueAsync(() => _relay.Count("mproxy.link.round_trip.duration") == i);
        }

        Assert.Equal(0, _tunnel.Count("mproxy.link.round_trip.duration"));
    }

    [Fact]
    public async Task The_round_trip_is_what_the_answer_to_a_probe_took()
    {
        await using var world = new MemoryWorld();
        using var relay = new RawPeer();
        var link = await world.ConnectLinkAsync(relay);
        world.Own(await Tunnel.StartAsync(Options() with { Links = [link] }, world.Time, Token));
        world.Time.Advance(TimeSpan.FromSeconds(15) + TimerSlack);
        world.Time.Advance(TimeSpan.FromSeconds(2));
        await relay.AnswerPingAsync();
        await Until.TrueAsync(() => _tunnel.Count("mproxy.link.round_trip.duration") == 1);
        Assert.Equal(2, _tunnel.Value("mproxy.link.round_trip.duration"));
    }

    [Fact]
    public async Task A_tunnel_on_a_link_of_somebody_else_tells_as_well()
    {
        await using var world = new MemoryWorld(Named);
        var link = await world.ConnectLinkAsync();
        var tunnel = world.Own(await Tunnel.StartAsync(Options() with { Links = [link] }, world.Time, Token));
        await MemoryWorld.IsResetAsync(world.Relay.TcpPort[0]);
        await Until.TrueAsync(() => _tunnel.Value("mproxy.client.ended", "tcp", ErrorCode.NoService) == 1);
        Assert.Equal(1, _tunnel.Value("mproxy.link.active"));
        await tunnel.StopAsync(cancellationToken: Token);
        Assert.Equal(0, _tunnel.Value("mproxy.link.active"));
    }

    [Fact]
    public async Task What_a_link_moved_counts_once_at_any_moment()
    {
        await using var world = new MemoryWorld(Named);
        using var done = new CancellationTokenSource();
        var reads = 0;
        var reading = Task.Run(
            () =>
            {
                for (long last = 0, now; !done.IsCancellationRequested; last = now)
                {
                    now = world.Relay.BytesIn;
                    Assert.True(now >= last, $"{now} after {last}");
                    reads++;
                }
            },
            Token);
        for (var i = 0; i < 50; i++)
        {
            await using var link = await world.ConnectLinkAsync();
        }

        await Until.TrueAsync(() => world.Relay.LinkCount == 0);
        await Until.TrueAsync(() => Volatile.Read(ref reads) >= 50 || reading.IsCompleted);
        await done.CancelAsync();
        await reading;
    }

    [Fact]
    public async Task Both_show_their_metrics_and_stop_with_their_owner()
    {
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        var options = Named();
        await using var world = await World.StartAsync(LocalService.EchoAsync, options with
        {
            Relay = relay => options.Relay(relay) with { MetricsEndPoint = any },
            Tunnel = tunnel => options.Tunnel(tunnel) with { MetricsEndPoint = any },
        });
        var (relay, tunnel) = (world.Relay.MetricsEndPoint!, world.Tunnel.MetricsEndPoint!);
        Assert.Equal(10, (await world.ExchangeAsync(new byte[10], 10)).Length);
        await Until.TrueAsync(() => _relay.Value("mproxy.client.ended", "tcp", "end") == 1 && _tunnel.Value("mproxy.client.ended", "tcp", "end") == 1);
        using (var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }))
        {
            foreach (var (address, owner) in new[] { (relay, $"mproxy_relay_name=\"{_relay.Name}\""), (tunnel, $"mproxy_tunnel_name=\"{_tunnel.Name}\"") })
            {
                var samples = PrometheusReader.Read(await http.GetStringAsync(new Uri($"http://{address}/metrics"), Token));
                Assert.Equal(1, samples[$"mproxy_client_ended_total{{{owner},mproxy_client_service=\"tcp\",mproxy_client_end=\"end\"}}"]);
                Assert.Equal(10, samples[$"mproxy_client_io_bytes_total{{{owner},network_io_direction=\"receive\"}}"]);
                Assert.All(samples.Keys, sample => Assert.Contains(owner, sample, StringComparison.Ordinal));
            }
        }

        await world.StopAsync();
        await MemoryWorld.IsRefusedAsync(relay.Port);
        await MemoryWorld.IsRefusedAsync(tunnel.Port);
    }

    [Fact]
    public async Task Metrics_that_cannot_be_shown_fail_the_start_and_leave_nothing_behind()
    {
        using var taken = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        foreach (var (address, failure) in new[] { (new IPEndPoint(IPAddress.Any, 0), typeof(ArgumentException)), ((IPEndPoint)taken.LocalEndPoint!, typeof(SocketException)) })
        {
            Assert.Throws(failure, () => RelayServer.Start(new() { Name = _relay.Name, TcpPort = [0], MetricsEndPoint = address }));
            await Assert.ThrowsAsync(failure, () => Tunnel.StartAsync(Options() with { MetricsEndPoint = address }, cancellationToken: Token));
            Assert.Equal("", $"{_relay}{_tunnel}");
        }
    }

    private RelayOptions Named(RelayOptions options) => options with { Name = _relay.Name };

    private WorldOptions Named() => new() { Relay = Named, Tunnel = tunnel => tunnel with { Name = _tunnel.Name } };

    /// <summary>A tunnel that serves nobody.</summary>
    private TunnelOptions Options() => new() { Name = _tunnel.Name, Service = new ServiceMap([new("nobody", LocalTarget.Parse("127.0.0.1:1"))]) };

    private Task<Tunnel> StartTunnelAsync(MemoryWorld world) => Tunnel.StartAsync(Options() with { Relays = [world.Options()] }, world.Time, Token);
}
