using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace MProxy.Engine.Tests.Front;

/// <summary>A connection that was brought by its host and becomes a WebSocket is no HTTP any more.</summary>
public sealed class WebSocketFrontTests : IAsyncDisposable
{
    private const string Upgrade = "GET /socket HTTP/1.1\r\nHost: ws.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    private const string Other = "GET /secret HTTP/1.1\r\nHost: other.test\r\n\r\n";

    private readonly FrontWorld _world = new();

    private static CancellationToken Token => FrontWorld.Token;

    [Theory]
    [InlineData("Http")]
    [InlineData("Mixed")]
    public async Task A_megabyte_goes_both_ways(string port)
    {
        await _world.AddDeviceAsync(_world.AddService(EchoMessagesAsync).Target, "ws.test");
        using var handler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = async (_, cancellationToken) => new NetworkStream((await FrontClient.ConnectAsync(_world.PortOf(port))).Socket, ownsSocket: true) };
        using var invoker = new HttpMessageInvoker(handler);
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri("ws://ws.test/socket"), invoker, Token);
        var message = RandomNumberGenerator.GetBytes(1 << 20);
        for (var round = 0; round < 3; round++)
        {
            var sending = client.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, Token);
            Assert.Equal(message, await ReadMessageAsync(client));
            await sending;
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Token);
        Assert.Equal(WebSocketState.Closed, client.State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_looks_like_a_request_for_another_host_passes_behind_the_switch(bool comesAlong)
    {
        var service = _world.AddService(SwitchAndEchoAsync);
        await _world.AddDeviceAsync(service.Target, "ws.test");
        var (other, _) = await _world.AddWebAsync("other.test");
        using var client = await FrontClient.ConnectAsync(_world.Http);

        // What comes along waits at the relay until the answer says what it is.
        await client.SendAsync(comesAlong ? Upgrade + Other : Upgrade);
        Assert.Equal("HTTP/1.1 101 Switching Protocols\r\n\r\n", await client.ReadTextAsync(36));
        await client.SendAsync(comesAlong ? "" : Other);
        Assert.Equal(Other, await client.ReadTextAsync(Other.Length));
        await client.SendAsync(Other + Other);
        Assert.Equal(Other + Other, await client.ReadTextAsync(2 * Other.Length));
        Assert.Empty(other.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_of_it_passes_where_the_service_does_not_switch(bool comesAlong)
    {
        var (web, _) = await _world.AddWebAsync("ws.test");
        var (other, _) = await _world.AddWebAsync("other.test");
        using var client = await FrontClient.ConnectAsync(_world.Http);
        await client.SendAsync(comesAlong ? Upgrade + Other : Upgrade);
        Assert.Equal("ws.test: GET ws.test /socket 0\n", await client.ReadAnswerAsync());
        await client.SendAsync(comesAlong ? "" : Other);
        Assert.Equal("", await client.ReadAllAsync());
        Assert.Single(web.Requests);
        Assert.Empty(other.Requests);
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    private static async Task SwitchAndEchoAsync(Socket local)
    {
        var request = new byte[Upgrade.Length];
        await LocalService.ReadExactlyAsync(local, request);
        Assert.Equal(Upgrade, Encoding.ASCII.GetString(request));
        await LocalService.SendAllAsync(local, "HTTP/1.1 101 Switching Protocols\r\n\r\n"u8.ToArray(), 10);
        await LocalService.EchoAsync(local);
    }

    private static async Task EchoMessagesAsync(Socket local)
    {
        await using var stream = new NetworkStream(local);
        var key = "";
        using (var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true))
        {
            // The client says nothing more before it is answered, so the reader takes the head and no more.
            while (await reader.ReadLineAsync(Token) is { Length: > 0 } line)
            {
                key = line.StartsWith("Sec-WebSocket-Key: ", StringComparison.OrdinalIgnoreCase) ? line[19..] : key;
            }
        }

        // SHA-1 is what the protocol has here (RFC 6455, section 4.2.2).
#pragma warning disable CA5350
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes($"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"), Token);
        using var server = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true });
        var buffer = new byte[50_000];
        for (; ; )
        {
            var part = await server.ReceiveAsync(buffer, Token);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                await server.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Token);
                return;
            }

            await server.SendAsync(buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, Token);
        }
    }

    private static async Task<byte[]> ReadMessageAsync(WebSocket socket)
    {
        using var all = new MemoryStream();
        var buffer = new byte[100_000];
        for (; ; )
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
            all.Write(buffer, 0, part.Count);
            if (part.EndOfMessage)
            {
                return all.ToArray();
            }
        }
    }
}
