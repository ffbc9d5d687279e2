using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.ProxyProtocol;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Front;

/// <summary>Real servers behind a tunnel hear who their client is, and a real proxy in front of a relay is believed.</summary>
public sealed class ProxiedServersTests : IAsyncDisposable
{
    private const string Name = "d.test";
    private const string Says = "$proxy_protocol_addr:$proxy_protocol_port $host $request_method $uri";

    private readonly List<Daemon> _daemons = [];
    private readonly Nginx _nginx = new();
    private FrontWorld _world = new();

    [Theory]
    [InlineData("V1", "http")]
    [InlineData("V2", "http")]
    [InlineData("V1", "https")]
    [InlineData("V2", "https")]
    public async Task Nginx_hears_who_the_client_is(string version, string scheme)
    {
        Programs.Need("curl", "nginx");
        await StartNginxAsync(scheme);
        await AddAsync(version, _nginx.Port);
        var port = scheme == "https" ? _world.Tls : _world.Http;
        foreach (var address in new[] { "127.0.0.5", "127.0.0.6" })
        {
            var (answer, client) = await CurlAsync(address, $"{scheme}://{Name}:{port}/path", port);
            Assert.Equal($"nginx {client} {Name} GET /path\n", answer);
            await Until.TrueAsync(() => _nginx.Log.Contains($"{client} {Name} GET /path"));
        }
    }

    [Theory]
    [InlineData("V1")]
    [InlineData("V2")]
    public async Task Haproxy_hears_who_the_client_is(string version)
    {
        Programs.Need("curl", "haproxy");
        var (haproxy, port) = await StartHaproxyAsync(
            "accept-proxy",
            """
            mode http
              log stdout format raw local0
              log-format "%ci:%cp %r"
              http-request return status 200 content-type text/plain lf-string "haproxy %ci:%cp"
            """);
        await AddAsync(version, port);
        foreach (var address in new[] { "127.0.0.5", "127.0.0.6" })
        {
            var (answer, client) = await CurlAsync(address, $"http://{Name}:{_world.Http}/path", _world.Http);
            Assert.Equal($"haproxy {client}", answer);
            await haproxy.UntilAsync(() => haproxy.Output.Contains($"{client} GET /path HTTP/1.1\n", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("send-proxy", "V1", "http")]
    [InlineData("send-proxy-v2", "V1", "http")]
    [InlineData("send-proxy-v2", "V2", "http")]
    [InlineData("send-proxy-v2 proxy-v2-options crc32c,unique-id", "V2", "https")]
    public async Task The_client_of_a_proxy_in_front_is_the_one_that_a_server_behind_hears_of(string sends, string version, string scheme)
    {
        Programs.Need("curl", "nginx", "haproxy");
        await RestartAsync(options => options with { TrustedProxy = [IPNetwork.Parse("127.0.0.1/32")] });
        await StartNginxAsync(scheme);
        await AddAsync(version, _nginx.Port);
        var (_, port) = await StartHaproxyAsync("", $"""
            mode tcp
              unique-id-format %pid
              server relay 127.0.0.1:{(scheme == "https" ? _world.Tls : _world.Http)} {sends}
            """);
        foreach (var address in new[] { "127.0.0.5", "127.0.0.6" })
        {
            var (answer, client) = await CurlAsync(address, $"{scheme}://{Name}:{port}/path", port);
            Assert.Equal($"nginx {client} {Name} GET /path\n", answer);
        }

        // Who comes past the proxy may not tell.
        var direct = scheme == "https" ? _world.Tls : _world.Http;
        var (code, _, _) = await Programs.RunAsync("curl", [.. Options("127.0.0.7", direct), "--haproxy-protocol", $"{scheme}://{Name}:{direct}/"], "");
        Assert.True(code != 0 || scheme == "http");
        Assert.DoesNotContain(_nginx.Log, line => line.StartsWith("127.0.0.7", StringComparison.Ordinal));
        Assert.True(_world.Relay.RefusedCount > 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        foreach (var daemon in _daemons)
        {
            await daemon.DisposeAsync();
        }

        await _nginx.DisposeAsync();
    }

    private static string[] Options(string from, int port) =>
        ["--silent", "--show-error", "--insecure", "--max-time", "30", "--interface", from, "--resolve", $"{Name}:{port}:127.0.0.1"];

    /// <summary>The answer, and where curl came from.</summary>
    private static async Task<(string Answer, string Client)> CurlAsync(string from, string url, int port)
    {
        var answer = await Programs.OutputAsync("curl", [.. Options(from, port), "--write-out", "|%{local_ip}:%{local_port}", url]);
        var parts = answer.Split('|');
        Assert.StartsWith($"{from}:", parts[1], StringComparison.Ordinal);
        return (parts[0], parts[1]);
    }

    private async Task RestartAsync(Func<RelayOptions, RelayOptions> options)
    {
        await _world.DisposeAsync();
        _world = new FrontWorld(options);
    }

    private Task<Engine.Device.Tunnel> AddAsync(string version, int port) =>
        _world.AddDeviceAsync($"127.0.0.1:{port}", [Name], [], options => options with { ProxyProtocol = Enum.Parse<ProxyProtocolVersion>(version) });

    private async Task StartNginxAsync(string scheme)
    {
        var secured = "";
        if (scheme == "https")
        {
            using var certificate = TestCertificate.SelfSigned(Name);
            using var key = certificate.GetECDsaPrivateKey()!;
            var pem = Path.Combine(_nginx.Folder, "pem");
            await File.WriteAllTextAsync(pem, $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n", FrontWorld.Token);
            secured = $"ssl_certificate {pem}; ssl_certificate_key {pem};";
        }

        await _nginx.StartAsync(Says, scheme == "https" ? "ssl proxy_protocol" : "proxy_protocol", $$"""{{secured}} location / { return 200 "nginx {{Says}}\n"; }""");
    }

    private async Task<(Daemon Haproxy, int Port)> StartHaproxyAsync(string bindOptions, string does)
    {
        var port = FreePort.Take();
        var config = Path.Combine(_nginx.Folder, "haproxy.cfg");
        await File.WriteAllTextAsync(
            config,
            $"""
            defaults
              timeout connect 10s
              timeout client 10s
              timeout server 10s
            listen test
              bind 127.0.0.1:{port} {bindOptions}
              {does}

            """,
            FrontWorld.Token);
        var haproxy = new Daemon("haproxy", "-db", "-f", config);
        _daemons.Add(haproxy);
        await haproxy.ListensAsync(port);
        return (haproxy, port);
    }
}
