using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Http;

namespace MProxy.Engine.Tests.Carriers;

public class CarrierWebSocketTests
{
    private const byte Text = 0x81;
    private const byte Binary = 0x82;
    private const byte Ping = 0x89;
    private const byte Pong = 0x8a;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task Path_and_query_arrive_as_they_were_written(string scheme)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var (_, relay) = await world.ConnectAsync(pathAndQuery: "/some/path%20here?a=1&b=%2F&c");
        Assert.Equal("/some/path%20here?a=1&b=%2F&c", relay.Path);
        Assert.Null(relay.Token);
    }

    [Fact]
    public async Task A_token_comes_in_the_query_and_is_not_shown()
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        var (_, relay) = await world.ConnectAsync(pathAndQuery: "/?x=1&access_token=ab%2Ec.d_e-f");
        Assert.Equal("ab.c.d_e-f", relay.Token);
        Assert.Equal("/?x=1&access_token=***", relay.Path);
    }

    [Theory]
    [InlineData("Bearer", "/")]
    [InlineData("bearer", "/?access_token=abc")]
    public async Task A_token_comes_in_a_header(string word, string pathAndQuery)
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        var (_, relay) = await world.ConnectAsync(WithHeader("Authorization", $"{word} abc"), pathAndQuery);
        Assert.Equal("abc", relay.Token);
    }

    [Fact]
    public async Task Another_scheme_of_the_authorization_header_is_no_token()
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        var (_, relay) = await world.ConnectAsync(WithHeader("Authorization", "Basic abc"), "/?access_token=def");
        Assert.Equal("def", relay.Token);
    }

    [Theory]
    [InlineData("Bearer secret1", "/?access_token=secret2")]
    [InlineData("Bearer", "/")]
    [InlineData("Bearer secret1 secret2", "/")]
    [InlineData("Basic x", "/?access_token=secret1&access_token=secret2")]
    public async Task A_token_in_doubt_is_refused_and_not_told(string header, string pathAndQuery)
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        var error = await Assert.ThrowsAsync<CarrierException>(() => world.DialAsync(WithHeader("Authorization", header), pathAndQuery));
        Assert.Equal(CarrierStage.Upgrade, error.Stage);
        Assert.Contains("400", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/device", "/device?x=1", true)]
    [InlineData("/device", "/other", false)]
    [InlineData("/device", "/device/", false)]
    [InlineData("/device", "/", false)]
    [InlineData("/", "/any/path", true)]
    public async Task A_listener_with_a_path_takes_that_path_only(string listen, string asked, bool isTaken)
    {
        await using var world = CarrierWorld.Open($"ws://127.0.0.1:0{listen}");
        if (isTaken)
        {
            await world.ConnectAsync(pathAndQuery: asked);
            return;
        }

        var error = await Assert.ThrowsAsync<CarrierException>(() => world.DialAsync(pathAndQuery: asked));
        Assert.Contains("404", error.Message, StringComparison.Ordinal);
        Assert.Contains("path", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ping_counts_as_life_though_no_data_comes()
    {
        var time = new ManualTime();
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0", time: time);
        using var client = await RawWebSocket.ConnectAsync(await world.ConnectRawAsync());
        var relay = await world.AcceptedAsync();
        var reading = relay.Stream.ReadAsync(new byte[10], Token).AsTask();
        var before = relay.LastHeard;
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(before, relay.LastHeard);

        await client.SendAsync(Ping);
        Assert.Equal([Pong, 0], await client.ReceiveAsync(2));
        Assert.Equal(time.GetTimestamp(), relay.LastHeard);
        Assert.False(reading.IsCompleted);

        await client.SendAsync(Binary, 7);
        Assert.Equal(1, await reading);
    }

    [Fact]
    public async Task A_ping_of_the_relay_counts_as_life_at_the_device()
    {
        var time = new ManualTime();
        using var listener = TcpSocket.Listen(new(System.Net.IPAddress.Loopback, 0));
        var ledger = new ResourceLedger();
        var dialling = CarrierDialer.DialAsync(CarrierUri.Parse($"ws://{listener.LocalEndPoint}"), CarrierWorld.Direct, ledger, time, Token);
        using var socket = await listener.AcceptAsync(Token);
        var buffer = new byte[16 << 10];
        var length = 0;
        HttpRequestHead? head = null;
        while (head is null)
        {
            length += await socket.ReceiveAsync(buffer.AsMemory(length), Token);
            head = HttpRequestHead.Read(buffer.AsSpan(0, length)).Head;
        }

        await socket.SendAsync(WebSocketUpgrade.Decide(head, false, "/", true).Upgrade!.Response, Token);
        await using (var device = await dialling)
        {
            var reading = device.Stream.ReadAsync(new byte[10], Token).AsTask();
            time.Advance(TimeSpan.FromSeconds(5));
            await socket.SendAsync(new byte[] { Ping, 0 }, Token);

            // A masked pong.
            Assert.Equal([Pong, 0x80], (await new RawWebSocket(socket).ReceiveAsync(6))[..2]);
            Assert.Equal(time.GetTimestamp(), device.LastHeard);
            await socket.SendAsync(new byte[] { Binary, 1, 7 }, Token);
            Assert.Equal(1, await reading);
        }

        Assert.True(ledger.IsEmpty, $"{ledger}");
    }

    [Fact]
    public async Task The_bounds_of_messages_mean_nothing()
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        using var client = await RawWebSocket.ConnectAsync(await world.ConnectRawAsync());
        var relay = await world.AcceptedAsync();
        await client.SendAsync(Binary, 1, 2);
        await client.SendAsync(Binary);
        await client.SendAsync(0x02, 3);
        await client.SendAsync(0x00);
        await client.SendAsync(Ping, 9, 9);
        await client.SendAsync(0x80, 4, 5);
        var bytes = new byte[5];
        await relay.Stream.ReadExactlyAsync(bytes, Token);
        Assert.Equal([1, 2, 3, 4, 5], bytes);

        await relay.Stream.WriteAsync(ReadOnlyMemory<byte>.Empty, Token);
        await relay.Stream.WriteAsync(new byte[] { 6, 7 }, Token);
        Assert.Equal([Pong, 2, 9, 9, Binary, 2, 6, 7], await client.ReceiveAsync(8));
    }

    [Fact]
    public async Task A_text_message_is_an_error()
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        using var client = await RawWebSocket.ConnectAsync(await world.ConnectRawAsync());
        var relay = await world.AcceptedAsync();
        await client.SendAsync(Text, (byte)'x');
        var error = await Assert.ThrowsAsync<IOException>(() => relay.Stream.ReadAsync(new byte[10], Token).AsTask());
        Assert.Contains("text message", error.Message, StringComparison.Ordinal);

        // Told by the close: 1003, a kind of data that is not taken.
        await relay.DisposeAsync();
        Assert.Equal([0x88, 2, 0x03, 0xeb], await client.ReceiveAsync(4));
    }

    [Fact]
    public async Task A_close_is_the_end_and_a_lost_connection_is_an_error()
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        using var polite = await RawWebSocket.ConnectAsync(await world.ConnectRawAsync());
        var relay = await world.AcceptedAsync();
        await polite.SendAsync(0x88, 0x03, 0xe8);
        Assert.Equal(0, await relay.Stream.ReadAsync(new byte[10], Token));
        Assert.Equal(0, await relay.Stream.ReadAsync(new byte[10], Token));

        var rude = await RawWebSocket.ConnectAsync(await world.ConnectRawAsync());
        relay = await world.AcceptedAsync();
        rude.Dispose();
        await Assert.ThrowsAsync<IOException>(() => relay.Stream.ReadAsync(new byte[10], Token).AsTask());
        await Assert.ThrowsAsync<IOException>(async () => await relay.Stream.WriteAsync(new byte[10], Token));
    }

    [Fact]
    public async Task Bytes_that_are_no_frame_are_an_error()
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        using var client = await RawWebSocket.ConnectAsync(await world.ConnectRawAsync());
        var relay = await world.AcceptedAsync();
        await client.SendAsync(0xf2, 1);
        await Assert.ThrowsAsync<IOException>(() => relay.Stream.ReadAsync(new byte[10], Token).AsTask());
    }

    [Theory]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task A_cancelled_read_ends_at_once_on_both_sides(string scheme)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var (first, second) = await world.ConnectAsync();
        var (third, fourth) = await world.ConnectAsync();
        foreach (var (reader, peer) in new[] { (first, second), (fourth, third) })
        {
            using var cancelling = new CancellationTokenSource();
            var reading = reader.Stream.ReadAsync(new byte[10], cancelling.Token).AsTask();
            await cancelling.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(TimeSpan.FromSeconds(20), Token));

            // The WebSocket is aborted by that, and the peer notices.
            await Assert.ThrowsAsync<IOException>(() => peer.Stream.ReadAsync(new byte[10], Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token));
        }
    }

    private static DialOptions WithHeader(string name, string value) =>
        CarrierWorld.Direct with { Headers = new Dictionary<string, string> { [name] = value } };
}
