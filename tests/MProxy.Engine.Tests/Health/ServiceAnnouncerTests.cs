using System.Net;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Health;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Health;

/// <summary>When a device tells its relay which services get new clients, and when it does not. The test is the relay.</summary>
public sealed class ServiceAnnouncerTests : IAsyncDisposable
{
    private const string New = "[1,\"hello\",[1],[\"add_token\",\"services\"]]";
    private const string Old = "[1,\"hello\",[1],[\"add_token\",\"drain\"]]";

    private readonly MemoryWorld _world = new();
    private readonly EventLog _events = new();
    private readonly System.Net.Sockets.Socket _service = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _service.Dispose();
    }

    [Fact]
    public async Task Nothing_is_said_as_long_as_everything_is_up()
    {
        using var peer = new RawPeer();
        await StartAsync(peer, New);
        await IsSilentAsync(peer);
    }

    [Fact]
    public async Task Each_change_is_told_with_the_state_of_all()
    {
        using var peer = new RawPeer();
        var tunnel = await StartAsync(peer, New);
        Assert.True(tunnel.DrainService("app.example"));
        await peer.AcceptAsync(",\"services\",[[\"*\",\"up\"],[\"app.example\",\"drain\"]]]");
        Assert.True(tunnel.DrainService("*"));
        await peer.AcceptAsync(",\"services\",[[\"*\",\"drain\"],[\"app.example\",\"drain\"]]]");
        Assert.True(tunnel.RestoreService("*"));
        await peer.AcceptAsync(",\"services\",[[\"*\",\"up\"],[\"app.example\",\"drain\"]]]");
        Assert.True(tunnel.RestoreService("app.example"));
        await peer.AcceptAsync(",\"services\",[[\"*\",\"up\"],[\"app.example\",\"up\"]]]");
        await IsSilentAsync(peer);
    }

    [Fact]
    public async Task A_service_that_changes_often_is_told_of_one_state_at_a_time_and_of_the_last()
    {
        using var peer = new RawPeer();
        var tunnel = await StartAsync(peer, New);
        Assert.True(tunnel.DrainService("app.example"));
        var request = await peer.ReadAsync();
        for (var i = 0; i < 100; i++)
        {
            Assert.True(tunnel.RestoreService("app.example"));
            Assert.True(tunnel.DrainService("app.example"));
        }

        Assert.True(tunnel.DrainService("*"));
        await IsSilentAsync(peer);
        await AnswerAsync(peer, request, "null");
        await peer.AcceptAsync(",\"services\",[[\"*\",\"drain\"],[\"app.example\",\"drain\"]]]");
        await IsSilentAsync(peer);
    }

    [Fact]
    public async Task A_probe_that_fails_is_told()
    {
        using var peer = new RawPeer();
        await StartAsync(peer, New, options => options with
        {
            Service = new ServiceMap([new("app.example", LocalTarget.Parse($"127.0.0.1:{FreePort.Take()}"))]),
            HealthChecks = new([new("app.example", new ServiceProbe())]),
            Random = new HalfRandom(),
        });
        await _world.Time.TimersAsync(TimeSpan.FromSeconds(0.5));
        _world.Time.Advance(TimeSpan.FromSeconds(0.5));
        await peer.AcceptAsync(",\"services\",[[\"app.example\",\"down\"]]]");
        Assert.EndsWith(" is down: connection refused. New clients go elsewhere until it is up.", (await _events.NextAsync(EventKind.ServiceHealthChanged)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_connection_is_told_again_ahead_of_the_tokens()
    {
        using var first = new RawPeer();
        using var second = new RawPeer();
        using var third = new RawPeer();
        Queue<RawPeer> peers = new([first, second, third]);
        var starting = StartAsync(options => options with { Relays = [_world.Options(["a.b.c"]) with { Dialer = _ => Task.FromResult(peers.Dequeue().ToCarrier(_world.Time)) }] });
        await GreetAsync(first, New);
        await GrantAsync(first);
        var tunnel = await starting;
        Assert.True(tunnel.DrainService("*"));
        await first.AcceptAsync(",\"services\",[[\"*\",\"drain\"],[\"app.example\",\"up\"]]]");
        await RedialAsync(first);
        await GreetAsync(second, New);
        await second.AcceptAsync(",\"services\",[[\"*\",\"drain\"],[\"app.example\",\"up\"]]]");
        await GrantAsync(second);
        await IsSilentAsync(second);

        // All is up again, and the next connection knows of nothing else.
        Assert.True(tunnel.RestoreService("*"));
        await second.AcceptAsync(",\"services\",[[\"*\",\"up\"],[\"app.example\",\"up\"]]]");
        await RedialAsync(second);
        await GreetAsync(third, New);
        await GrantAsync(third);
        await IsSilentAsync(third);
    }

    [Fact]
    public async Task A_relay_that_knows_no_services_is_told_nothing_and_a_drained_one_is_refused_by_the_device()
    {
        using var peer = new RawPeer();
        var tunnel = await StartAsync(peer, Old);
        Assert.True(tunnel.DrainService("app.example"));
        await IsSilentAsync(peer);
        await peer.SendAsync(FrameKind.Connection, Meta(1, "app.example"));
        Assert.Equal($"Error {{\"message\":\"this service takes no clients now\",\"code\":\"{ErrorCode.NoService}\"}}", await peer.ReadAsync());
        await IsServedAsync(peer, 2, "other.example");
        Assert.True(tunnel.RestoreService("app.example"));
        await IsServedAsync(peer, 3, "app.example");
    }

    [Fact]
    public async Task A_client_that_was_on_its_way_when_a_drain_began_is_served()
    {
        using var peer = new RawPeer();
        var tunnel = await StartAsync(peer, New);
        Assert.True(tunnel.DrainService("app.example"));
        await IsServedAsync(peer, 1, "app.example", sent: [",\"services\",[[\"*\",\"up\"],[\"app.example\",\"drain\"]]]"]);
    }

    [Theory]
    [InlineData("{\"message\":\"unknown command\",\"code\":\"E_UNKNOWN_COMMAND\"}", "E_UNKNOWN_COMMAND")]
    [InlineData("\"[Error] no\"", "E_UNKNOWN_ERR")]
    public async Task A_relay_that_does_not_take_it_is_no_reason_to_end(string answer, string code)
    {
        using var peer = new RawPeer();
        var tunnel = await StartAsync(peer, New);
        Assert.True(tunnel.DrainService("app.example"));
        await AnswerAsync(peer, await peer.ReadAsync(), answer);
        Assert.Equal(code, (await _events.NextAsync(EventKind.PeerError)).Code);
        Assert.Equal(LinkState.Connected, tunnel.State);
        await IsServedAsync(peer, 1, "other.example");
        await IsSilentAsync(peer);
    }

    [Fact]
    public async Task A_link_that_stays_is_told_that_the_tunnels_services_are_gone_with_it()
    {
        using var peer = new RawPeer();
        var connecting = DeviceLink.ConnectAsync(_world.Options() with { Dialer = _ => Task.FromResult(peer.ToCarrier(_world.Time)) }, _world.Time, MemoryWorld.Token);
        await GreetAsync(peer, New);
        var link = _world.Own(await connecting);
        var tunnel = await StartAsync(options => options with { Links = [link] });
        Assert.True(tunnel.DrainService("*"));
        await peer.AcceptAsync(",\"services\",[[\"*\",\"drain\"],[\"app.example\",\"up\"]]]");
        await tunnel.DisposeAsync();
        await peer.AcceptAsync(",\"services\",[]]");
        await StartAsync(options => options with { Links = [link] });
        await peer.AcceptAsync(",\"services\",[[\"*\",\"up\"],[\"app.example\",\"up\"]]]");
    }

    [Fact]
    public async Task What_does_not_fit_a_message_cannot_be_drained()
    {
        using var peer = new RawPeer();
        var tunnel = await StartAsync(peer, New, options => options with { Service = new ServiceMap(Enumerable.Range(0, 301).Select(i => KeyValuePair.Create($"s{i}", new LocalTarget("local", 1)))) });
        Assert.Contains("301 services", Assert.Throws<InvalidOperationException>(() => tunnel.DrainService("s1")).Message, StringComparison.Ordinal);
        Assert.All(tunnel.Services, service => Assert.Equal(ServiceState.Up, service.State));
        await IsSilentAsync(peer);
    }

    private static FrameMeta Meta(int port, string name) => new() { Family = "IPv4", Address = "192.0.2.1", Port = port, Service = "http", ServicePort = 80, Name = name };

    private static async Task GreetAsync(RawPeer peer, string hello)
    {
        await peer.SayAsync(hello);
        Assert.Equal("Control [-1,null]", await peer.ReadAsync());
        await peer.AnswerPingAsync();
    }

    private static async Task GrantAsync(RawPeer peer)
    {
        await peer.AcceptAsync(",\"add_token\",\"a.b.c\"]");
        await peer.SayAsync("[2,\"grant\",[]]");
    }

    private static Task AnswerAsync(RawPeer peer, string? request, string answer)
    {
        Assert.NotNull(request);
        return peer.SayAsync($"[-{request["Control [".Length..request.IndexOf(',', StringComparison.Ordinal)]},{answer}]");
    }

    /// <summary>Whatever the device had to say would come before its answer.</summary>
    private static async Task IsSilentAsync(RawPeer peer)
    {
        await peer.SayAsync("[7,\"ping\"]");
        Assert.Equal("Control [-7,null]", await peer.ReadAsync());
    }

    /// <summary>A client of this name gets what it sends to the local service.</summary>
    private async Task IsServedAsync(RawPeer peer, int port, string name, string[]? sent = null)
    {
        await peer.SendAsync(FrameKind.Connection, Meta(port, name));
        foreach (var request in sent ?? [])
        {
            await peer.AcceptAsync(request);
        }

        using var local = await _service.AcceptAsync(MemoryWorld.Token);
        await LocalService.SendAllAsync(local, new[] { (byte)'x' }, 1);
        Assert.Equal("Message x", await peer.ReadAsync());
        await peer.SendAsync(FrameKind.Error, Meta(port, name));

        // The device has ended it by then, and says nothing more of it.
        await MemoryWorld.IsResetAsync(local);
    }

    private async Task RedialAsync(RawPeer peer)
    {
        peer.Dispose();
        await _events.NextAsync(EventKind.LinkLost);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
    }

    private async Task<Tunnel> StartAsync(RawPeer peer, string hello, Func<TunnelOptions, TunnelOptions>? options = null)
    {
        var starting = StartAsync(usual => (options ?? (same => same))(usual with { Relays = [_world.Options() with { Dialer = _ => Task.FromResult(peer.ToCarrier(_world.Time)) }] }));
        await GreetAsync(peer, hello);
        return await starting;
    }

    private async Task<Tunnel> StartAsync(Func<TunnelOptions, TunnelOptions> options)
    {
        var target = LocalTarget.Parse($"{_service.LocalEndPoint}");
        var usual = new TunnelOptions { Name = "t", Service = new ServiceMap([new("app.example", target), new("*", target)]) };
        var tunnel = _world.Own(await Tunnel.StartAsync(options(usual), _world.Time, MemoryWorld.Token));
        tunnel.EventRaised += _events.Take;
        return tunnel;
    }
}
