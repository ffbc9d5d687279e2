using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Tests.Front;

/// <summary>A real client of TLS: it sees the certificate of the device that it names, or why it sees none.</summary>
public sealed class OpenSslTests : IAsyncDisposable
{
    private readonly FrontWorld _world = new();
    private readonly List<NamedWeb> _webs = [];

    [Theory]
    [InlineData("-tls1_2", "TLSv1.2", "Tls")]
    [InlineData("-tls1_3", "TLSv1.3", "Tls")]
    [InlineData("", "TLSv1.3", "Tls")]
    [InlineData("", "TLSv1.3", "Mixed")]
    [InlineData("-tls1_2", "TLSv1.2", "Mixed")]
    public async Task The_certificate_is_that_of_the_device_with_the_name(string version, string negotiated, string port)
    {
        await StartAsync();
        foreach (var web in _webs)
        {
            using var certificate = await CertificateAsync(port, negotiated, ["-servername", web.Certificate.Subject[3..], .. version.Length > 0 ? [version] : Array.Empty<string>()]);
            Assert.Equal(web.Certificate.Thumbprint, certificate.Thumbprint);
        }

        Assert.Equal(0, _world.Relay.RefusedCount);
    }

    [Theory]
    [InlineData("-tls1_2", "-noservername")]
    [InlineData("-tls1_3", "-noservername")]
    [InlineData("-tls1_2", "-servername", "other.test")]
    [InlineData("-tls1_3", "-servername", "other.test")]
    public async Task Without_a_name_that_is_served_it_is_told_so(params string[] arguments)
    {
        await StartAsync();
        var (code, _, error) = await Programs.RunAsync("openssl", ["s_client", "-connect", $"127.0.0.1:{_world.Tls}", .. arguments], "");
        Assert.NotEqual(0, code);
        Assert.Contains("unrecognized name", error, StringComparison.Ordinal);
        Assert.Contains("SSL alert number 112", error, StringComparison.Ordinal);
        Assert.Equal(1, _world.Relay.RefusedCount);
    }

    [Fact]
    public async Task TLS_on_a_port_for_HTTP_is_told_so()
    {
        await StartAsync();
        var (code, _, error) = await Programs.RunAsync("openssl", ["s_client", "-connect", $"127.0.0.1:{_world.Http}", "-servername", "d0.test"], "");
        Assert.NotEqual(0, code);
        Assert.Contains("SSL alert number 40", error, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _webs.ForEach(web => web.Dispose());
    }

    private async Task StartAsync()
    {
        Programs.Need("openssl");
        foreach (var name in new[] { "d0.test", "d1.test", "d2.test" })
        {
            var web = new NamedWeb(name);
            _webs.Add(web);
            await _world.AddDeviceAsync(_world.AddService(web.ServeTlsAsync).Target, name);
        }
    }

    private async Task<X509Certificate2> CertificateAsync(string port, string negotiated, string[] arguments)
    {
        var output = await Programs.OutputAsync("openssl", ["s_client", "-connect", $"127.0.0.1:{_world.PortOf(port)}", .. arguments]);
        Assert.Contains($"New, {negotiated}, Cipher is ", output, StringComparison.Ordinal);
        return X509Certificate2.CreateFromPem(output);
    }
}
