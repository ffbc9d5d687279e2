using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Http;

namespace MProxy.Engine.Tests.Carriers;

public class CarrierDialerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ws", false)]
    [InlineData("wss", false)]
    [InlineData("ws", true)]
    [InlineData("wss", true)]
    public async Task A_proxy_that_wants_credentials_lets_through(string scheme, bool staysAfter407)
    {
        await using var proxy = new ConnectProxy("user:pass word", staysAfter407);
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var options = new DialOptions { SkipCertificateCheck = true, Proxy = proxy.Uri, ProxyCredential = new NetworkCredential("user", "pass word") };
        var (device, relay) = await world.ConnectAsync(options, "/a?b");
        Assert.Equal("/a?b", relay.Path);
        Assert.Equal(proxy.EndPoint, device.RemoteEndPoint);
        Assert.Equal([$"CONNECT {world.EndPoint} HTTP/1.1", $"CONNECT {world.EndPoint} HTTP/1.1"], proxy.Requests);

        // The connection that only brought the 407 is not kept: socket, its stream, the WebSocket and its stream are.
        Assert.Equal(4, world.Device.Open);
        var before = device.LastHeard;
        await relay.Stream.WriteAsync(new byte[] { 1 }, Token);
        Assert.Equal(1, await device.Stream.ReadAsync(new byte[10], Token));
        Assert.NotEqual(before, device.LastHeard);
    }

    [Theory]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task A_wrong_password_of_a_proxy_is_told(string scheme)
    {
        await using var proxy = new ConnectProxy("user:right");
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var options = new DialOptions { SkipCertificateCheck = true, Proxy = proxy.Uri, ProxyCredential = new NetworkCredential("user", "secret") };
        foreach (var tried in new[] { options, options with { ProxyCredential = null } })
        {
            var error = await Assert.ThrowsAsync<CarrierException>(() => world.DialAsync(tried, "/?access_token=secret"));
            Assert.Equal(CarrierStage.Connect, error.Stage);
            Assert.Contains("407", error.Message, StringComparison.Ordinal);
            Assert.Contains(proxy.EndPoint.ToString(), error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
            Assert.True(world.Device.IsEmpty, $"{world.Device}");
        }
    }

    [Fact]
    public async Task A_proxy_that_forbids_or_is_gone_is_told()
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        Uri gone;
        await using (var proxy = new ConnectProxy(refusal: "403 Forbidden"))
        {
            gone = proxy.Uri;
            var forbidden = await Assert.ThrowsAsync<CarrierException>(() => world.DialAsync(new DialOptions { Proxy = gone }));
            Assert.Contains("403", forbidden.Message, StringComparison.Ordinal);
        }

        var error = await Assert.ThrowsAsync<CarrierException>(() => world.DialAsync(new DialOptions { Proxy = gone }));
        Assert.Equal(CarrierStage.Connect, error.Stage);
        Assert.Contains($"the proxy at {gone.Authority}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("tls")]
    [InlineData("ws")]
    [InlineData("wss")]
    [InlineData("unix")]
    public async Task Nobody_there_is_told_with_the_place(string scheme)
    {
        var ledger = new ResourceLedger();
        var place = scheme == "unix" ? CarrierWorld.NewSocketPath() : $"127.0.0.1:{FreePort.Take()}";
        var error = await Assert.ThrowsAsync<CarrierException>(() => DialAsync($"{scheme}://{place}", CarrierWorld.Direct, ledger, Token));
        Assert.Equal(CarrierStage.Connect, error.Stage);
        Assert.Contains(place, error.Message, StringComparison.Ordinal);
        Assert.Contains(scheme == "unix" ? "no such socket file" : "nobody listens there", error.Message, StringComparison.Ordinal);
        Assert.True(ledger.IsEmpty, $"{ledger}");
    }

    [Theory]
    [InlineData("401 Unauthorized", "token")]
    [InlineData("403 Forbidden", "forbids")]
    [InlineData("404 Not Found", "path")]
    [InlineData("407 Proxy Authentication Required", "proxy")]
    [InlineData("302 Found\r\nLocation: http://127.0.0.1:1/secret", "elsewhere")]
    [InlineData("200 OK", "MProxy relay")]
    [InlineData("503 Service Unavailable", "problem")]
    public async Task Another_answer_than_an_upgrade_is_told(string status, string said)
    {
        await AnswerAsync($"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n", error =>
        {
            Assert.Contains(status[..3], error.Message, StringComparison.Ordinal);
            Assert.Contains(said, error.Message, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n")]
    public Task An_answer_that_is_none_is_told(string answer) => AnswerAsync(answer, error => Assert.Contains("upgrade", error.Message, StringComparison.Ordinal));

    [Theory]
    [InlineData("tls")]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task A_dial_that_is_cancelled_leaves_nothing(string scheme)
    {
        var ledger = new ResourceLedger();
        using var silent = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var dialling = DialAsync($"{scheme}://{silent.LocalEndPoint}", CarrierWorld.Direct, ledger, cancelling.Token);
        using var accepted = await silent.AcceptAsync(Token);

        // It has begun to shake hands.
        await accepted.ReceiveAsync(new byte[1], Token);
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dialling.WaitAsync(TimeSpan.FromSeconds(20), Token));
        Assert.True(ledger.IsEmpty, $"{ledger}");
    }

    [Fact]
    public async Task Options_that_do_not_fit_are_told_by_name()
    {
        using var own = TestCertificate.SelfSigned("device");
        var http = new Uri("http://127.0.0.1:1");
        await RefuseAsync("tcp", new DialOptions { Proxy = http }, "Proxy");
        await RefuseAsync("tls", new DialOptions { ProxyCredential = new NetworkCredential() }, "ProxyCredential");
        await RefuseAsync("tcp", new DialOptions { ProxyUseDefaultCredentials = true }, "ProxyUseDefaultCredentials");
        await RefuseAsync("tls", new DialOptions { Headers = new Dictionary<string, string> { ["X"] = "secret" } }, "Headers");
        await RefuseAsync("tcp", new DialOptions { Thumbprint = [new string('0', 64)] }, "Thumbprint");
        await RefuseAsync("ws", new DialOptions { ClientCertificate = own }, "ClientCertificate");
        await RefuseAsync("wss", new DialOptions { Thumbprint = ["12"] }, "thumbprint");
        await RefuseAsync("ws", new DialOptions { Proxy = http, NoProxy = true }, "NoProxy");
        await RefuseAsync("ws", new DialOptions { Proxy = new Uri("http://user:secret@127.0.0.1:1") }, "ProxyCredential");
        await RefuseAsync("ws", new DialOptions { Proxy = new Uri("ftp://127.0.0.1:1") }, "http://proxy:3128");
        await RefuseAsync("ws", new DialOptions { Headers = new Dictionary<string, string> { ["X"] = "secret\r\nY: z" } }, "X");
        await RefuseAsync("ws", new DialOptions { Headers = new Dictionary<string, string> { ["X Y"] = "secret" } }, "X Y");
        await RefuseAsync("ws", new DialOptions { Headers = new Dictionary<string, string> { ["upgrade"] = "secret" } }, "upgrade");
    }

    [Fact]
    public Task An_answer_drives_no_terminal() => AnswerAsync(
        "HTTP/1.1 \u001b[2J\r\n\r\n",
        error => Assert.All(error.Message, letter => Assert.False(char.IsControl(letter), error.Message)));

    [Fact]
    public async Task Headers_are_sent_along() => await AnswerAsync("", _ => { }, request =>
    {
        Assert.Contains("\r\nX-One: 1\r\n", request, StringComparison.Ordinal);
        Assert.DoesNotContain("traceparent", request, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Sec-WebSocket-Extensions", request, StringComparison.OrdinalIgnoreCase);
    });

    private static async Task AnswerAsync(string answer, Action<CarrierException> check, Action<string>? checkRequest = null)
    {
        var ledger = new ResourceLedger();
        using var listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var options = CarrierWorld.Direct with { Headers = new Dictionary<string, string> { ["X-One"] = "1", ["Authorization"] = "Bearer secret" } };
        var dialling = DialAsync($"ws://{listener.LocalEndPoint}/?access_token=secret", options, ledger, Token);
        using var socket = await listener.AcceptAsync(Token);
        var buffer = new byte[HttpRequestHead.MaxLength];
        var length = 0;
        while (HttpRequestHead.Read(buffer.AsSpan(0, length)).Status != HttpHeadStatus.Complete)
        {
            length += await socket.ReceiveAsync(buffer.AsMemory(length), Token);
        }

        checkRequest?.Invoke(System.Text.Encoding.ASCII.GetString(buffer, 0, length));
        await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(answer), Token);
        socket.Shutdown(SocketShutdown.Send);
        var error = await Assert.ThrowsAsync<CarrierException>(() => dialling);
        Assert.Equal(CarrierStage.Upgrade, error.Stage);
        Assert.Contains(listener.LocalEndPoint!.ToString()!, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
        check(error);
        Assert.True(ledger.IsEmpty, $"{ledger}");
    }

    private static async Task RefuseAsync(string scheme, DialOptions options, string named)
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => DialAsync($"{scheme}://127.0.0.1:1", options, new ResourceLedger(), Token));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    private static Task<Carrier> DialAsync(string uri, DialOptions options, ResourceLedger ledger, CancellationToken cancellationToken) =>
        CarrierDialer.DialAsync(CarrierUri.Parse(uri), options, ledger, TimeProvider.System, cancellationToken);
}
