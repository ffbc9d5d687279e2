using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Carriers;

public class CarrierHttpTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Malformed() =>
    [
        "GET / HTTP/1.1\nHost: h\n\n",
        "GET / HTTP/1.1\r\nHost: h\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: h\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
        "GET /\r\nHost: h\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /# HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n X: folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\tfolded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n: empty\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        RawWebSocket.Request(more: "Connection: Upgrade\r\n"),
        RawWebSocket.Request(more: "Upgrade: websocket\r\n"),
        RawWebSocket.Request(more: "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
        RawWebSocket.Request(more: "Sec-WebSocket-Version: 13\r\n"),
        RawWebSocket.Request(more: "Authorization: Bearer a\r\nAuthorization: Bearer a\r\n"),
        RawWebSocket.Request(connection: ""),
        RawWebSocket.Request(connection: "Connection: keep-alive, upgraded\r\n"),
        RawWebSocket.Request(key: ""),
        RawWebSocket.Request(key: "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n"),
        RawWebSocket.Request(key: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ*=\r\n"),
        RawWebSocket.Request(more: "Content-Length: 1\r\n"),
        RawWebSocket.Request(more: "Transfer-Encoding: chunked\r\n"),
        RawWebSocket.Request() + "\x81\x80\0\0\0\0",
        $"GET / HTTP/1.1\r\nHost: h\r\nX: {new string('x', 17_000)}\r\n\r\n",
        $"GET /{new string('x', 100_000)}",
        new string('\x16', 20_000),
    ];

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task A_malformed_request_is_answered_400(string request)
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        AssertAnswer(await world.AskAsync(request), 400);
        Assert.Equal(0, world.CountAccepted());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1", 200)]
    [InlineData("GET /?x HTTP/1.1", 200)]
    [InlineData("HEAD / HTTP/1.1", 200)]
    [InlineData("GET /favicon.ico HTTP/1.1", 404)]
    [InlineData("HEAD /x HTTP/1.1", 404)]
    [InlineData("POST / HTTP/1.1", 405)]
    [InlineData("get / HTTP/1.1", 405)]
    [InlineData("DELETE /x HTTP/1.1", 405)]
    public async Task Other_requests_have_their_answers(string line, int status)
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        var answer = await world.AskAsync($"{line}\r\nHost: h\r\n\r\n");
        AssertAnswer(answer, status);
        Assert.Equal(status == 405, answer.Contains("\r\nAllow: GET, HEAD\r\n", StringComparison.Ordinal));
        Assert.Equal(line.StartsWith("HEAD", StringComparison.Ordinal), answer.EndsWith("\r\n\r\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task The_status_page_has_two_lines(string scheme)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0/device");
        using var socket = await world.ConnectRawAsync();
        Stream stream = new NetworkStream(socket);
        if (scheme == "wss")
        {
            var secure = new SslStream(stream);
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.Equals(TestCertificate.Relay) }, Token);
            stream = secure;
        }

        await using (stream)
        {
            await stream.WriteAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray(), Token);
            using var reader = new StreamReader(stream);
            var answer = await reader.ReadToEndAsync(Token);
            AssertAnswer(answer, 200);
            var lines = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..].Split('\n');
            Assert.Equal(["This is an MProxy relay.", "Devices connect to it by WebSocket.", ""], lines);
        }
    }

    [Theory]
    [InlineData("Sec-WebSocket-Version: 8\r\n")]
    [InlineData("Sec-WebSocket-Version: 13, 8\r\n")]
    [InlineData("")]
    public async Task Another_version_of_WebSocket_is_told_which_one_to_take(string version)
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        var answer = await world.AskAsync(RawWebSocket.Request(version: version));
        AssertAnswer(answer, 426);
        Assert.Contains("\r\nSec-WebSocket-Version: 13\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_comes_byte_by_byte_is_read()
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        using var socket = await world.ConnectRawAsync();
        foreach (var b in Encoding.ASCII.GetBytes(RawWebSocket.Request(line: "GET /slow HTTP/1.1", more: "Sec-WebSocket-Protocol: a, b\r\nCookie: a=b\r\nCookie: c=d\r\n")))
        {
            await socket.SendAsync(new[] { b }, Token);
        }

        Assert.Equal("/slow", (await world.AcceptedAsync()).Path);
        var head = Encoding.ASCII.GetString(await new RawWebSocket(socket).ReceiveAsync(129));
        Assert.DoesNotContain("Protocol:", head, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("\r\n\r\n", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_that_goes_in_the_middle_of_its_request_leaves_nothing()
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        using var socket = await world.ConnectRawAsync();
        await socket.SendAsync("GET / HTT"u8.ToArray(), Token);
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("", await CarrierWorld.ReadAllAsync(socket));
    }

    private static void AssertAnswer(string answer, int status)
    {
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Length: ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close", answer, StringComparison.Ordinal);
        var body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        Assert.True(body.Length == 0 || answer.Contains($"\r\nContent-Length: {body.Length}\r\n", StringComparison.Ordinal));
    }
}
