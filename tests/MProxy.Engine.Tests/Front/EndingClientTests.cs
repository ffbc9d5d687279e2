using System.Net.Sockets;

namespace MProxy.Engine.Tests.Front;

/// <summary>A client that ends its side before it is clear what it speaks will not speak TLS or HTTP any more.</summary>
public class EndingClientTests
{
    [Theory]
    [InlineData("")]
    [InlineData("QUIT")]
    [InlineData("\x16")]
    [InlineData("EHLO there")]
    [InlineData("PRI * HTTP/2")]
    [InlineData("PROXY UNKNOWN\r\n", true)]
    [InlineData("PROXY UNKNOWN\r\nQUIT", true)]
    public async Task On_a_mixed_port_it_is_one_of_raw_TCP_and_gets_its_answer(string words, bool isProxied = false)
    {
        await using var world = new FrontWorld(options => options with
        {
            FirstByteTimeout = TimeSpan.FromSeconds(9),
            TrustedProxy = isProxied ? [System.Net.IPNetwork.Parse("127.0.0.1/32")] : [],
        });
        var service = world.AddService(async local =>
        {
            var asked = await LocalService.ReadAllAsync(local);
            await LocalService.SendAllAsync(local, (byte[])[.. "asked: "u8, .. asked], 100);
        });
        await world.AddDeviceAsync(service.Target, [], [world.Mixed]);
        using var client = await FrontClient.ConnectAsync(world.Mixed);
        await client.SendAsync(words);
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal($"asked: {words.Split('\n')[^1]}", await client.ReadAllAsync());
        Assert.Equal(0, world.Relay.RefusedCount);
    }

    [Theory]
    [InlineData("Mixed", "GET / HTTP/1.1\r\nHost: d.test\r\n")]
    [InlineData("Mixed", "\x16\x03\x01")]
    [InlineData("Http", "")]
    [InlineData("Http", "QUIT")]
    [InlineData("Tls", "")]
    [InlineData("Tls", "\x16")]
    public async Task Otherwise_it_is_reset_and_goes_nowhere(string port, string words)
    {
        await using var world = new FrontWorld();
        var service = world.AddService(LocalService.EchoAsync);
        await world.AddDeviceAsync(service.Target, ["d.test"], [world.PortOf(port)]);
        using var client = await FrontClient.ConnectAsync(world.PortOf(port));
        await client.SendAsync(words);
        client.Socket.Shutdown(SocketShutdown.Send);
        await client.IsResetAsync();
        Assert.Equal(1, world.Relay.RefusedCount);
        Assert.Equal(0, world.Relay.ClientCount);
        Assert.Equal(0, service.ClientCount);
    }
}
