using System.Text;
using MProxy.Engine.Device;
using MProxy.Engine.Tests.Routing;

namespace MProxy.Engine.Tests.Front;

/// <summary>A client that goes to no device is told so in its own protocol, is counted, and nothing of it reaches any device.</summary>
public class RefusalTests
{
    private const string UnrecognizedName = "\x15\x03\x01\0\x02\x02\x70";
    private const string HandshakeFailure = "\x15\x03\x01\0\x02\x02\x28";
    private const string DecodeError = "\x15\x03\x01\0\x02\x02\x32";
    private const string NoDevice = "No device serves this name.\n";
    private const string NotUnderstood = "This is no HTTP/1.1 request that this relay understands.\n";

    public static TheoryData<string, string, string> Answered() => new()
    {
        { "Tls", Hello("other.test"), UnrecognizedName },
        { "Tls", Hello(null), UnrecognizedName },
        { "Tls", "\x16\x03\x01\0\x04\x02\0\0\0", DecodeError },
        { "Tls", "hello", DecodeError },
        { "Tls", "GET / HTTP/1.1\r\nHost: d.test\r\n\r\n", Page("400 Bad Request", "This port is for https.\n") },
        { "Http", Hello("d.test"), HandshakeFailure },
        { "Http", "hello", Page("400 Bad Request", NotUnderstood) },
        { "Http", "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n", Page("502 Bad Gateway", NoDevice) },
        { "Http", "HEAD / HTTP/1.1\r\nHost: other.test\r\n\r\n", Page("502 Bad Gateway", NoDevice, hasBody: false) },
        { "Http", "GET / HTTP/1.0\r\n\r\n", Page("502 Bad Gateway", NoDevice) },
        { "Http", "GET / HTTP/1.1\r\nHost: d.test\r\nHost: d.test\r\n\r\n", Page("400 Bad Request", NotUnderstood) },
        { "Http", "GET / HTTP/1.1\r\nHost: d.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Page("400 Bad Request", NotUnderstood) },
        { "Http", "GET / HTTP/1.1\r\nHost: d.test, other.test\r\n\r\n", Page("400 Bad Request", NotUnderstood) },
        { "Http", "GET http://other.test/ HTTP/1.1\r\nHost: d.test\r\n\r\n", Page("400 Bad Request", NotUnderstood) },
        { "Http", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Page("505 HTTP Version Not Supported", "HTTP/2 needs a port of its own.\n") },
        { "Mixed", Hello("other.test"), UnrecognizedName },
        { "Mixed", "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n", Page("502 Bad Gateway", NoDevice) },
    };

    [Theory]
    [MemberData(nameof(Answered))]
    public async Task It_is_told_why(string port, string words, string answer)
    {
        await using var world = new FrontWorld();
        var device = await world.AddScriptAsync(["d.test"]);
        Assert.Equal(answer, await FrontClient.AskAsync(world.PortOf(port), words));
        await IsTheOnlyOneAsync(world, device);
    }

    [Theory]
    [InlineData("Mixed", "SSH-2.0-x\r\n")]
    [InlineData("Tcp", "")]
    public async Task It_is_reset_where_there_is_no_word_for_it(string port, string words)
    {
        await using var world = new FrontWorld();
        var device = await world.AddScriptAsync(["d.test"]);
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => FrontClient.AskAsync(world.PortOf(port), words));
        await IsTheOnlyOneAsync(world, device);
    }

    [Theory]
    [InlineData("/", "/")]
    [InlineData("/a/b?c=d&e=%2f", "/a/b?c=d&e=%2f")]
    [InlineData("http://d.test:81/a?b", "/a?b")]
    [InlineData("/.well-known/acme-challenge", "/.well-known/acme-challenge")]
    [InlineData("/.well-known/acme-challenge/", "/.well-known/acme-challenge/")]
    [InlineData("/.well-known/acme-challenge/../../admin", "/.well-known/acme-challenge/../../admin")]
    [InlineData("/.well-known/acme-challenge/%2e%2e/admin", "/.well-known/acme-challenge/%2e%2e/admin")]
    [InlineData("/.well-known/acme-challenge/abc/def", "/.well-known/acme-challenge/abc/def")]
    [InlineData("/.well-known/acme-challenge/abc.html", "/.well-known/acme-challenge/abc.html")]
    [InlineData("/.well-known/acme-challenge/abc?d", "/.well-known/acme-challenge/abc?d")]
    [InlineData("/.well-known/acme-challenge/abc\\d", "/.well-known/acme-challenge/abc\\d")]
    public async Task It_is_sent_to_https_with_its_path_and_query(string target, string place)
    {
        await using var world = new FrontWorld(options => options with { RedirectToHttps = true });
        var device = await world.AddScriptAsync(["d.test"]);
        var host = target.StartsWith('/') ? "D.Test" : "d.test:81";
        var answer = await FrontClient.AskAsync(world.Http, $"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 308 Permanent Redirect\r\n", answer, StringComparison.Ordinal);
        Assert.Contains($"\r\nLocation: https://{host.Split(':')[0]}:{world.Tls}{place}\r\n", answer, StringComparison.Ordinal);
        await IsTheOnlyOneAsync(world, device, port: "Tls");
    }

    [Fact]
    public async Task Who_comes_for_a_certificate_is_not_sent_to_https()
    {
        await using var world = new FrontWorld(options => options with { RedirectToHttps = true });
        await world.AddWebAsync("d.test");
        using var client = await FrontClient.ConnectAsync(world.Http);
        const string Path = "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA";
        await client.SendAsync($"GET {Path} HTTP/1.1\r\nHost: d.test\r\n\r\n");
        Assert.Equal($"d.test: GET d.test {Path} 0\n", await client.ReadAnswerAsync());

        // No later request of the connection goes anywhere else.
        await client.SendAsync($"GET {Path} HTTP/1.1\r\nHost: d.test\r\n\r\nGET {Path}/../../admin HTTP/1.1\r\nHost: d.test\r\n\r\n");
        Assert.Equal($"d.test: GET d.test {Path} 0\n", await client.ReadAnswerAsync());
        Assert.Equal("", await client.ReadAllAsync());
    }

    [Fact]
    public async Task A_name_that_no_header_has_room_for_is_refused_with_a_reason()
    {
        await using var world = new FrontWorld(options => options with { TrustedProxy = [System.Net.IPNetwork.Parse("127.0.0.1/32")] });
        var device = await world.AddScriptAsync(["test"]);
        var name = $"{string.Concat(Enumerable.Repeat($"{new string('a', 62)}.", 3))}{new string('b', 59)}.test";
        Assert.Equal(253, name.Length);
        const string Proxy = "PROXY TCP6 2001:db8:1111:2222:3333:4444:5555:6666 2001:db8::1 54321 443\r\n";
        Assert.Equal(Page("502 Bad Gateway", NoDevice), await FrontClient.AskAsync(world.Http, $"{Proxy}GET / HTTP/1.1\r\nHost: {name}\r\n\r\n"));
        var refused = await world.Events.NextAsync(EventKind.ClientRefused);
        Assert.Equal(
            $"http client IPv6,2001:db8:1111:2222:3333:4444:5555:6666,54321 of port {world.Http} is refused: the name it asks for is too long for a link.", refused.Message);
        Assert.Equal(UnrecognizedName, await FrontClient.AskAsync(world.Tls, $"{Proxy}{Hello(name)}"));
        Assert.Equal(2, world.Relay.RefusedCount);
        Assert.Equal([new("the name it asks for is too long for a link", 2)], world.Relay.RefusedBy);
        await IsTheOnlyOneAsync(world, device, refusedBefore: 2, start: "PROXY UNKNOWN\r\n");
    }

    /// <summary>A device is told of clients in the order in which they came to it: where the next is its first, no other came.</summary>
    private static async Task IsTheOnlyOneAsync(FrontWorld world, (DeviceLink Link, Task<Frame?> First) device, int refusedBefore = 1, string start = "", string port = "Http")
    {
        Assert.Equal(refusedBefore, world.Relay.RefusedCount);
        Assert.Equal(0, device.Link.ClientCount);
        using var next = await FrontClient.ConnectAsync(world.PortOf(port));
        await next.SendAsync($"{start}{(port == "Tls" ? Hello("d.test") : "GET / HTTP/1.1\r\nHost: d.test\r\n\r\n")}");
        var frame = await device.First.WaitAsync(TimeSpan.FromSeconds(20), FrontWorld.Token);
        Assert.Equal((FrameKind.Connection, $"127.0.0.1:{((System.Net.IPEndPoint)next.Socket.LocalEndPoint!).Port}"), (frame!.Kind, $"{frame.Address}:{frame.Port}"));
        Assert.Equal(("d.test", port == "Tls" ? "https" : "http", world.PortOf(port)), (frame.Name, frame.Service, frame.ServicePort));
        Assert.Equal(refusedBefore, world.Relay.RefusedCount);
    }

    private static string Hello(string? name) =>
        Encoding.Latin1.GetString(HelloBuilder.Hello([.. name is null ? [] : new[] { HelloBuilder.NameExtension(name) }, HelloBuilder.Extension(HelloBuilder.Padding, 0)]));

    private static string Page(string status, string text, bool hasBody = true) =>
        $"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {text.Length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{(hasBody ? text : "")}";
}
