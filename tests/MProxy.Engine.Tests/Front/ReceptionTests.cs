using System.Text;
using MProxy.Engine.Http;
using MProxy.Engine.Tests.Routing;

namespace MProxy.Engine.Tests.Front;

/// <summary>What a client says first is read in any pieces and reaches its service whole, with all that follows.</summary>
public class ReceptionTests
{
    private const int MaxRecord = 16 << 10;
    private const string Name = "d.test";

    /// <summary>The bytes of a hello that are neither body nor names: record and message header, fixed parts, lengths.</summary>
    private static readonly int EmptyHello = Hello(paddingLength: 0).Length;

    [Theory]
    [InlineData("Tls", "hello")]
    [InlineData("Mixed", "hello")]
    [InlineData("Http", "request")]
    [InlineData("Mixed", "request")]
    [InlineData("Mixed", "raw")]
    public async Task First_bytes_one_by_one_reach_the_service_as_they_came(string port, string words)
    {
        await using var world = new FrontWorld();
        var bytes = words switch
        {
            "hello" => Hello(paddingLength: 100),
            "request" => Request(200),
            _ => Encoding.ASCII.GetBytes("EHLO\r\nQUITE something\r\n"),
        };
        await EchoesAsync(world, port, bytes, drip: true);
    }

    [Theory]
    [InlineData("Tls", 4 << 10)]
    [InlineData("Tls", (4 << 10) + 1)]
    [InlineData("Tls", 9_000)]
    [InlineData("Mixed", MaxRecord + 5)]
    [InlineData("Tls", MaxRecord + 5)]
    public async Task A_hello_of_up_to_a_whole_record_reaches_the_service(string port, int length)
    {
        await using var world = new FrontWorld();
        var hello = Hello(length - EmptyHello);
        Assert.Equal(length, hello.Length);
        await EchoesAsync(world, port, hello);
    }

    [Theory]
    [InlineData("Http", 4 << 10)]
    [InlineData("Http", (4 << 10) + 1)]
    [InlineData("Http", 8 << 10)]
    [InlineData("Mixed", HttpRequestHead.MaxLength)]
    [InlineData("Http", HttpRequestHead.MaxLength)]
    public async Task A_head_of_up_to_16_KiB_reaches_the_service(string port, int length)
    {
        await using var world = new FrontWorld();
        await EchoesAsync(world, port, Request(length));
    }

    [Theory]
    [InlineData("Tls")]
    [InlineData("Http")]
    [InlineData("Mixed")]
    public async Task What_follows_in_the_same_segment_reaches_the_service(string port)
    {
        await using var world = new FrontWorld();
        byte[] body = [.. Enumerable.Range(0, 30_000).Select(i => (byte)i)];
        byte[] first = port == "Tls" ? Hello(paddingLength: 10) : Encoding.ASCII.GetBytes($"POST / HTTP/1.1\r\nHost: {Name}\r\nContent-Length: {body.Length}\r\n\r\n");
        await EchoesAsync(world, port, [.. first, .. body]);
    }

    [Fact]
    public async Task A_head_that_is_a_byte_too_long_is_refused()
    {
        await using var world = new FrontWorld();
        var service = world.AddService(LocalService.EchoAsync);
        await world.AddDeviceAsync(service.Target, Name);
        Assert.StartsWith("HTTP/1.1 400 ", await FrontClient.AskAsync(world.Http, Encoding.ASCII.GetString(Request(HttpRequestHead.MaxLength + 1))), StringComparison.Ordinal);
        Assert.Equal(1, world.Relay.RefusedCount);
        Assert.Equal(0, service.ClientCount);
    }

    [Theory]
    [InlineData("Tls", false)]
    [InlineData("Tls", true)]
    [InlineData("Http", false)]
    [InlineData("Mixed", true)]
    public async Task A_client_that_goes_in_the_middle_leaves_nothing(string port, bool inOrder)
    {
        await using var world = new FrontWorld();
        var (_, service) = await world.AddWebAsync(Name);
        var words = port == "Http" ? Request(300) : Hello(paddingLength: 100);
        using (var client = await FrontClient.ConnectAsync(world.PortOf(port)))
        {
            await client.SendAsync(words[..150]);
            client.Socket.Close(inOrder ? -1 : 0);
        }

        await Until.TrueAsync(() => world.Relay.RefusedCount == 1);
        Assert.Equal(0, world.Relay.ClientCount);
        Assert.Equal(0, service.ClientCount);
        using var next = await FrontClient.ConnectAsync(world.Http);
        await next.SendAsync($"GET / HTTP/1.1\r\nHost: {Name}\r\n\r\n");
        Assert.Equal($"{Name}: GET {Name} / 0\n", await next.ReadAnswerAsync());
    }

    private static async Task EchoesAsync(FrontWorld world, string port, byte[] bytes, bool drip = false)
    {
        var service = world.AddService(LocalService.EchoAsync);
        await world.AddDeviceAsync(service.Target, [Name], [world.Mixed]);
        using var client = await FrontClient.ConnectAsync(world.PortOf(port));
        await (drip ? client.DripAsync(bytes) : client.SendAsync(bytes));
        Assert.Equal(bytes, await client.ReadAsync(bytes.Length));
        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.Equal("", await client.ReadAllAsync());
        Assert.Equal(1, service.ClientCount);
        Assert.Equal(0, world.Relay.RefusedCount);
    }

    private static byte[] Hello(int paddingLength) => HelloBuilder.Hello(HelloBuilder.NameExtension(Name), HelloBuilder.Extension(HelloBuilder.Padding, new byte[paddingLength]));

    /// <summary>A request whose head has this many bytes.</summary>
    private static byte[] Request(int length)
    {
        var start = $"GET / HTTP/1.1\r\nHost: {Name}\r\nX: ";
        return Encoding.ASCII.GetBytes($"{start}{new string('x', length - start.Length - 4)}\r\n\r\n");
    }
}
