using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>A real Redis with a port and folder of its own, which keeps nothing on disk.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-redis");
    private readonly string[] _options;
    private readonly bool _isSecure;
    private Daemon? _server;

    private RedisServer(X509Certificate2? certificate, string[] options)
    {
        _isSecure = certificate is not null;
        _options = certificate is null ? ["--port", $"{Port}", .. options] : ["--port", "0", "--tls-port", $"{Port}", .. WriteTls(certificate), .. options];
    }

    public int Port { get; } = FreePort.Take();

    public string Uri => $"redis{(_isSecure ? "s" : "")}://127.0.0.1:{Port}";

    /// <summary>Starts one, where it is installed. Else the test is skipped.</summary>
    public static Task<RedisServer> StartAsync(params string[] options) => StartAsync(null, options);

    /// <summary>The same with TLS, and no client that has to show a certificate unless the options say so: then this very one.</summary>
    public static Task<RedisServer> StartWithTlsAsync(X509Certificate2 certificate, params string[] options) =>
        StartAsync(certificate, ["--tls-auth-clients", "no", .. options]);

    /// <summary>Starts it, with nothing in it.</summary>
    public Task StartAgainAsync()
    {
        _server = new Daemon("redis-server", ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", _folder.FullName, .. _options]);
        return _server.ListensAsync(Port);
    }

    /// <summary>Its power goes: nothing that it held is left.</summary>
    public async Task KillAsync() => await _server!.DisposeAsync();

    /// <summary>It stands still, and its connections with it.</summary>
    public void Pause() => _server!.Signal("STOP");

    public void GoOn() => _server!.Signal("CONT");

    /// <summary>What redis-cli says to a command.</summary>
    public Task<string> AskAsync(params string[] command) => Programs.OutputAsync("redis-cli", ["-p", $"{Port}", .. command]);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    private static async Task<RedisServer> StartAsync(X509Certificate2? certificate, string[] options)
    {
        Programs.Need("redis-server", "redis-cli");
        var server = new RedisServer(certificate, options);
        await server.StartAgainAsync();
        return server;
    }

    private string[] WriteTls(X509Certificate2 certificate)
    {
        var (shown, key) = (Path.Combine(_folder.FullName, "redis.pem"), Path.Combine(_folder.FullName, "redis.key"));
        File.WriteAllText(shown, certificate.ExportCertificatePem());
        File.WriteAllText(key, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return ["--tls-cert-file", shown, "--tls-key-file", key, "--tls-ca-cert-file", shown];
    }
}
