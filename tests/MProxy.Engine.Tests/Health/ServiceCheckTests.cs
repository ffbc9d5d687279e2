using System.Net;
using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Health;
using MProxy.Engine.ProxyProtocol;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Health;

/// <summary>One probe of a local service that is there: what it says, and what it makes of the answer.</summary>
public class ServiceCheckTests
{
    private static readonly ServiceProbe Http = ServiceProbe.Parse("http:/health");

    private readonly ResourceLedger _ledger = new();

    [Theory]
    [InlineData(200, null)]
    [InlineData(204, null)]
    [InlineData(399, null)]
    [InlineData(400, "it answers 400")]
    [InlineData(503, "it answers 503")]
    [InlineData(101, "it answers 101")]
    public async Task The_status_of_an_answer_decides(int status, string? error)
    {
        var web = new ProbedWeb("web") { Health = status };
        await using var service = new FrontService(web.ServeAsync);
        Assert.Equal(error, await CheckAsync(service.Target, Http));
        Assert.Equal("GET /health HTTP/1.1\nHost: app.example.com\nUser-Agent: MProxy\nAccept: */*\nConnection: close", Assert.Single(web.Probes));
    }

    [Theory]
    [InlineData("app.example.com", "app.example.com")]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8::1", "[2001:db8::1]")]
    [InlineData("*.example.com", "localhost")]
    [InlineData("*", "localhost")]
    [InlineData("http", "localhost")]
    [InlineData("8080", "localhost")]
    [InlineData("x\r\ny", "localhost")]
    public void The_host_is_the_key_where_that_is_a_name(string key, string host) =>
        Assert.Contains($"\r\nHost: {host}\r\n", Encoding.ASCII.GetString(ServiceCheck.Request("/", key)), StringComparison.Ordinal);

    [Fact]
    public async Task A_connection_is_enough_for_tcp()
    {
        await using var service = new FrontService(async client => Assert.Empty(await LocalService.ReadAllAsync(client)));
        Assert.Null(await CheckAsync(service.Target, ServiceProbe.Parse("tcp")));
        await Until.TrueAsync(() => service.ClientCount == 1);
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("http:/health")]
    public async Task Nobody_there_is_down(string probe)
    {
        Assert.Equal("connection refused", await CheckAsync($"127.0.0.1:{FreePort.Take()}", ServiceProbe.Parse(probe)));
        Assert.Equal("there is no such socket file", await CheckAsync("unix:/nonexistent/service.sock", ServiceProbe.Parse(probe)));
    }

    [Theory]
    [InlineData("SSH-2.0-x\r\n", "its answer is none of HTTP/1.1")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-", "it closes the connection without a whole answer")]
    [InlineData("", "it closes the connection without a whole answer")]
    public async Task What_is_no_answer_is_down(string answer, string error)
    {
        await using var service = new FrontService(async client =>
        {
            await LocalService.ReadExactlyAsync(client, new byte[ServiceCheck.Request("/health", "app.example.com").Length]);
            await LocalService.SendAllAsync(client, Encoding.ASCII.GetBytes(answer), 1000);
            client.Shutdown(SocketShutdown.Send);
            await LocalService.ReadAllAsync(client);
        });
        Assert.Equal(error, await CheckAsync(service.Target, Http));
    }

    [Fact]
    public async Task An_endless_head_is_read_no_further_than_16_KiB()
    {
        await using var service = new FrontService(async client =>
        {
            await LocalService.SendAllAsync(client, "HTTP/1.1 200 OK\r\n"u8.ToArray(), 1000);
            await LocalService.FloodAsync(client);
        });
        Assert.Equal("its answer is none of HTTP/1.1", await CheckAsync(service.Target, Http));
    }

    [Fact]
    public async Task A_service_that_says_nothing_is_given_up_in_time()
    {
        var time = new ManualTime();
        await using var service = new FrontService(async client => await LocalService.ReadAllAsync(client));
        var checking = CheckAsync(service.Target, Http with { Timeout = TimeSpan.FromSeconds(2.5) }, time: time);
        await Until.TrueAsync(() => service.ClientCount == 1);
        time.Advance(TimeSpan.FromSeconds(2.4));
        Assert.False(checking.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal("no answer within 2.5 s", await checking);
    }

    [Fact]
    public async Task Whoever_stops_it_gets_no_result()
    {
        using var stopping = new CancellationTokenSource();
        await using var service = new FrontService(async client => await LocalService.ReadAllAsync(client));
        var checking = CheckAsync(service.Target, Http, stopping: stopping);
        await Until.TrueAsync(() => service.ClientCount == 1);
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => checking);
    }

    [Fact]
    public async Task A_socket_file_is_asked_like_a_port()
    {
        var folder = Directory.CreateTempSubdirectory("mproxy-health");
        var web = new ProbedWeb("web");
        using var listener = UnixSocket.Listen(Path.Combine(folder.FullName, "s"));
        var serving = ServeOneAsync(listener, web);
        Assert.Null(await CheckAsync($"unix:{folder.FullName}/s", Http));
        await serving;
        Assert.Single(web.Probes);
        listener.Dispose();
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, "its certificate is not trusted (RemoteCertificateChainErrors)")]
    public async Task A_service_with_TLS_is_asked_by_TLS(bool acceptUntrusted, string? error)
    {
        var web = new ProbedWeb("web");
        await using var service = new FrontService(client => IgnoreAsync(web.ServeTlsAsync(client)));
        Assert.Equal(error, await CheckAsync($"tls://{service.Target.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)}", Http, options => options with { Tls = new ServiceTls(acceptUntrusted: acceptUntrusted) }));
        Assert.Equal(acceptUntrusted ? 1 : 0, web.Probes.Count);
    }

    [Theory]
    [InlineData(ProxyProtocolVersion.V1)]
    [InlineData(ProxyProtocolVersion.V2)]
    public async Task A_service_that_expects_a_PROXY_header_gets_one_that_names_no_client(ProxyProtocolVersion version)
    {
        var web = new ProbedWeb("web");
        await using var service = new FrontService(web.ServeProxiedAsync);
        Assert.Null(await CheckAsync(service.Target, Http, options => options with { ProxyProtocol = version }));
        Assert.StartsWith($"{version} local\nGET /health HTTP/1.1\n", Assert.Single(web.Probes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_comes_from_the_address_that_clients_come_from()
    {
        var from = new TaskCompletionSource<string>();
        await using var service = new FrontService(client =>
        {
            from.TrySetResult($"{((IPEndPoint)client.RemoteEndPoint!).Address}");
            return Task.CompletedTask;
        });
        Assert.Null(await CheckAsync(service.Target, ServiceProbe.Parse("tcp"), options => options with { SourceAddress = IPAddress.Parse("127.0.0.3") }));
        Assert.Equal("127.0.0.3", await from.Task.WaitAsync(TimeSpan.FromSeconds(20), FrontWorld.Token));
    }

    [Theory]
    [InlineData("tcp", null)]
    [InlineData("TCP", null)]
    [InlineData("http:/", "/")]
    [InlineData("HTTP:/a/b?c=%20d", "/a/b?c=%20d")]
    public void A_probe_is_read_from_text(string text, string? path) => Assert.Equal(path, ServiceProbe.Parse(text).HttpPath);

    [Theory]
    [InlineData("")]
    [InlineData("udp")]
    [InlineData("http")]
    [InlineData("http:")]
    [InlineData("http:health")]
    [InlineData("http:/a b")]
    [InlineData("http:/a\r\nX: y")]
    [InlineData("http:/ü")]
    [InlineData("http:/a#b")]
    public void What_is_none_is_refused(string text) => Assert.Throws<FormatException>(() => ServiceProbe.Parse(text));

    [Fact]
    public void A_probe_out_of_range_is_refused()
    {
        ServiceProbe[] wrong =
        [
            Http with { HttpPath = "x" }, Http with { HttpPath = "/" + new string('x', 2000) }, Http with { Interval = TimeSpan.FromSeconds(0.09) }, Http with { Interval = TimeSpan.FromSeconds(3601) },
            Http with { Timeout = TimeSpan.Zero }, Http with { Timeout = TimeSpan.FromSeconds(601) }, Http with { Rise = 0 }, Http with { Fall = 101 },
        ];
        Assert.All(wrong, probe => Assert.Throws<ArgumentException>(probe.Check));
        Http.Check();
    }

    private static async Task ServeOneAsync(Socket listener, ProbedWeb web)
    {
        using var client = await listener.AcceptAsync(FrontWorld.Token);
        await web.ServeAsync(client);
    }

    /// <summary>A client that breaks off a handshake is no fault of the service.</summary>
    private static async Task IgnoreAsync(Task serving)
    {
        try
        {
            await serving;
        }
        catch (System.Security.Authentication.AuthenticationException)
        {
        }
    }

    private async Task<string?> CheckAsync(
        string target, ServiceProbe probe, Func<TunnelOptions, TunnelOptions>? options = null, TimeProvider? time = null, CancellationTokenSource? stopping = null)
    {
        const string Key = "app.example.com";
        var clock = time ?? TimeProvider.System;
        var usual = new TunnelOptions { Name = "t", Service = new ServiceMap([new(Key, LocalTarget.Parse(target))]) };
        var chosen = options?.Invoke(usual) ?? usual;
        try
        {
            return await new ServiceCheck(new TunnelSettings(chosen), _ledger, clock).RunAsync(Key, LocalTarget.Parse(target), probe, stopping?.Token ?? FrontWorld.Token);
        }
        finally
        {
            Assert.Equal("0 open, 0 buffers, 0 loops", $"{_ledger}");
        }
    }
}
