using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Routing;

namespace MProxy.Engine.Tests.Front;

/// <summary>How long a client may take to say what it is for, by a clock that the test moves.</summary>
public class SlowClientTests
{
    private static readonly TimeSpan FirstByte = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan Handshake = TimeSpan.FromSeconds(9);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_silent_client_of_a_mixed_port_gets_the_banner_of_a_service_that_speaks_first()
    {
        await using var world = NewWorld();
        var service = world.AddService(GreetAsync);
        await world.AddDeviceAsync(service.Target, [], [world.Mixed]);
        using var client = await FrontClient.ConnectAsync(world.Mixed);
        await _time.TimersAsync(FirstByte);
        _time.Advance(FirstByte - Moment);
        Assert.Equal(0, service.ClientCount);
        _time.Advance(Moment);
        Assert.Equal("220 hello\r\n", await client.ReadTextAsync(11));

        // It goes on as any client of raw TCP, though what it says now looks like a request.
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
        Assert.Equal("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", await client.ReadTextAsync(36));
        Assert.Equal(0, world.Relay.RefusedCount);
    }

    [Fact]
    public async Task A_silent_client_of_a_mixed_port_that_nobody_serves_has_time_to_show_that_it_is_none_of_raw_TCP()
    {
        await using var world = NewWorld();
        await world.AddWebAsync("d.test");
        using var client = await FrontClient.ConnectAsync(world.Mixed);
        await _time.TimersAsync(Handshake);
        _time.Advance(Handshake - Moment);
        Assert.Equal(0, world.Relay.RefusedCount);
        _time.Advance(Moment);
        await client.IsResetAsync();
        Assert.Equal(1, world.Relay.RefusedCount);
    }

    [Theory]
    [InlineData("Tls", false)]
    [InlineData("Http", false)]
    [InlineData("Tls", true)]
    [InlineData("Http", true)]
    [InlineData("Mixed", true)]
    public async Task A_client_that_does_not_say_in_time_what_it_is_for_is_reset(string port, bool hasBegun)
    {
        await using var world = NewWorld();
        var (_, service) = await world.AddWebAsync("d.test", null, world.Mixed);
        using var client = await FrontClient.ConnectAsync(world.PortOf(port));
        await _time.TimersAsync(Handshake);
        if (hasBegun)
        {
            await client.SendAsync(port == "Http" ? "GET / HTTP/1.1\r\nHost: d.test\r\n"u8.ToArray() : HelloBuilder.Hello(HelloBuilder.NameExtension("d.test"))[..40]);
        }

        if (port == "Mixed")
        {
            // It has spoken when the relay no longer waits for its first byte.
            await _time.TimersAsync(FirstByte, 0);
        }

        _time.Advance(Handshake - Moment);
        Assert.Equal(0, world.Relay.RefusedCount);
        _time.Advance(Moment);
        await client.IsResetAsync();
        Assert.Equal(1, world.Relay.RefusedCount);
        Assert.Equal(0, service.ClientCount);
    }

    [Fact]
    public async Task The_time_is_over_once_a_client_is_with_its_device()
    {
        await using var world = NewWorld();
        await world.AddWebAsync("d.test");
        using var client = await FrontClient.ConnectAsync(world.Http);
        for (var round = 0; round < 3; round++)
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: d.test\r\n\r\n");
            Assert.Equal("d.test: GET d.test / 0\n", await client.ReadAnswerAsync());
            _time.Advance(Handshake);
        }
    }

    [Theory]
    [InlineData("Tls", "")]
    [InlineData("Http", "GET / HTTP/1.1\r\n")]
    [InlineData("Mixed", "")]
    [InlineData("Mixed", "GET / HTTP/1.1\r\n")]
    public async Task A_relay_that_stops_lets_go_of_clients_that_it_still_reads(string port, string words)
    {
        await using var world = NewWorld();
        var (_, service) = await world.AddWebAsync("d.test");
        using var client = await FrontClient.ConnectAsync(world.PortOf(port));
        await client.SendAsync(words);
        await _time.TimersAsync(Handshake);
        await world.Relay.StopAsync(cancellationToken: FrontWorld.Token).WaitAsync(TimeSpan.FromSeconds(20), FrontWorld.Token);
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{world.Relay.Ledger}");
        await client.IsResetAsync();
        Assert.Equal(0, service.ClientCount);
    }

    [Fact]
    public async Task A_relay_that_stops_does_not_wait_for_clients_that_it_has_refused()
    {
        await using var world = NewWorld();
        using var client = await FrontClient.ConnectAsync(world.Http);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n");
        Assert.Equal("HTTP/1.1 502 ", await client.ReadTextAsync(13));

        // The client neither reads the rest nor closes, and the clock stands still.
        await world.Relay.StopAsync(cancellationToken: FrontWorld.Token).WaitAsync(TimeSpan.FromSeconds(20), FrontWorld.Token);
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{world.Relay.Ledger}");
    }

    private static async Task GreetAsync(System.Net.Sockets.Socket local)
    {
        await LocalService.SendAllAsync(local, "220 hello\r\n"u8.ToArray(), 11);
        await LocalService.EchoAsync(local);
    }

    private FrontWorld NewWorld() => new(Bounded, _time);

    private static RelayOptions Bounded(RelayOptions options) => options with { FirstByteTimeout = FirstByte, Carrier = new() { HandshakeTimeout = Handshake } };
}
