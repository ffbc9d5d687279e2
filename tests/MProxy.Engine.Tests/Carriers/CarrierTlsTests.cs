using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Carriers;

public class CarrierTlsTests
{
    private static readonly string Sha256 = CertificatePins.Sha256(TestCertificate.Relay);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Pins()
    {
        var sha1 = TestCertificate.Relay.GetCertHashString(HashAlgorithmName.SHA1);
        string[] pins = [Sha256, Sha256.ToLowerInvariant(), string.Join(':', Sha256.Chunk(2).Select(pair => new string(pair))), string.Join(' ', sha1.Chunk(4).Select(part => new string(part)))];
        return [.. pins.SelectMany(pin => new[] { ("tls", pin), ("wss", pin) })];
    }

    [Theory]
    [MemberData(nameof(Pins))]
    public async Task A_pinned_certificate_is_accepted_though_nobody_trusts_it(string scheme, string pin)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var (device, _) = await world.ConnectAsync(CarrierWorld.Direct with { Thumbprint = [new string('0', 64), pin] });
        Assert.Equal(Sha256, device.PeerThumbprint);
    }

    [Theory]
    [InlineData("tls", false)]
    [InlineData("wss", false)]
    [InlineData("tls", true)]
    [InlineData("wss", true)]
    public async Task Another_certificate_than_the_pinned_one_is_refused(string scheme, bool skipCheck)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var error = await FailAsync(world, CarrierWorld.Direct with { Thumbprint = [new string('0', 64)], SkipCertificateCheck = skipCheck });
        Assert.Contains("another than the pinned one", error.Message, StringComparison.Ordinal);
        Assert.Contains(Sha256, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("wss")]
    public async Task A_pin_holds_whatever_host_a_header_names(string scheme)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var options = CarrierWorld.Direct with { Thumbprint = [new string('0', 64)] };
        var error = await FailAsync(world, scheme == "wss" ? options with { Headers = new Dictionary<string, string> { ["Host"] = "other.example" } } : options);
        Assert.Contains("another than the pinned one", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("wss")]
    public async Task A_certificate_that_nobody_trusts_is_refused_with_its_thumbprint(string scheme)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var error = await FailAsync(world, CarrierWorld.Direct);
        Assert.Contains("RemoteCertificateChainErrors", error.Message, StringComparison.Ordinal);
        Assert.Contains(Sha256, error.Message, StringComparison.Ordinal);
        Assert.Contains(world.EndPoint.ToString(), error.Message, StringComparison.Ordinal);
        var (device, _) = await world.ConnectAsync(CarrierWorld.Trusting);
        Assert.Equal(Sha256, device.PeerThumbprint);
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("wss")]
    public async Task A_device_with_an_allowed_certificate_comes_in(string scheme)
    {
        using var own = TestCertificate.SelfSigned("device");
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0", Asking(own));
        var (_, relay) = await world.ConnectAsync(CarrierWorld.Trusting with { ClientCertificate = own });
        Assert.Equal(CertificatePins.Sha256(own), relay.PeerThumbprint);
    }

    [Theory]
    [InlineData("tls", false)]
    [InlineData("wss", false)]
    [InlineData("tls", true)]
    [InlineData("wss", true)]
    public async Task A_device_without_an_allowed_certificate_stays_out(string scheme, bool hasOne)
    {
        using var allowed = TestCertificate.SelfSigned("device");
        using var other = TestCertificate.SelfSigned("other");
        foreach (var options in new[] { Asking(allowed), Asking(null) })
        {
            await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0", options);

            // TLS 1.3 tells a device only after it believes that all is well: the first read then.
            await Assert.ThrowsAnyAsync<IOException>(async () =>
            {
                var device = await world.DialAsync(CarrierWorld.Trusting with { ClientCertificate = hasOne ? other : null });
                if (await device.Stream.ReadAsync(new byte[1], Token) == 0)
                {
                    throw new IOException("closed");
                }
            });
            await world.StopListeningAsync();
            Assert.Equal(0, world.CountAccepted());
        }
    }

    [Fact]
    public async Task A_device_shows_no_certificate_to_a_relay_that_asks_for_none()
    {
        using var own = TestCertificate.SelfSigned("device");
        await using var world = CarrierWorld.Open("tls://127.0.0.1:0");
        var (_, relay) = await world.ConnectAsync(CarrierWorld.Trusting with { ClientCertificate = own });
        Assert.Null(relay.PeerThumbprint);
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("wss")]
    public async Task The_chain_is_sent_along(string scheme)
    {
        var (leaf, intermediate, root) = TestCertificate.Chain();
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0", new ListenOptions { Certificate = leaf, CertificateChain = [intermediate] });
        using var socket = await world.ConnectRawAsync();
        await using var stream = new SslStream(new NetworkStream(socket));
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(root);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = policy }, Token);
        Assert.True(stream.IsAuthenticated);
    }

    [Fact]
    public async Task A_session_is_not_negotiated_anew()
    {
        await using var world = CarrierWorld.Open("tls://127.0.0.1:0");

        // A line that starts with R asks for it.
        var running = Programs.RunAsync("openssl", ["s_client", "-tls1_2", "-connect", $"{world.EndPoint}"], "R\n");
        var relay = await world.AcceptedAsync();
        await Record.ExceptionAsync(() => relay.Stream.ReadAsync(new byte[10], Token).AsTask());
        await relay.DisposeAsync();
        var (code, _, error) = await running;
        Assert.Contains("RENEGOTIATING", error, StringComparison.Ordinal);
        Assert.NotEqual(0, code);
    }

    [Fact]
    public async Task TLS_1_1_is_refused()
    {
        await using var world = CarrierWorld.Open("tls://127.0.0.1:0");
        using var socket = await world.ConnectRawAsync();

        // A whole ClientHello of version 3.2, by hand: OpenSSL makes none any more.
        byte[] hello = [3, 2, .. new byte[32], 0, 0, 4, 0xc0, 0x09, 0xc0, 0x0a, 1, 0];
        await socket.SendAsync(new byte[] { 22, 3, 1, 0, (byte)(hello.Length + 4), 1, 0, 0, (byte)hello.Length }.Concat(hello).ToArray(), Token);
        var answer = await CarrierWorld.ReadAllAsync(socket);

        // An alert (21): fatal, protocol version.
        Assert.Equal("\x15\x03", answer[..2]);
        Assert.Equal("\x02\x46", answer[5..]);
        Assert.Equal(0, world.CountAccepted());
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("wss")]
    public async Task A_port_without_TLS_is_told(string scheme)
    {
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        var uri = CarrierUri.Parse($"{scheme}://{world.EndPoint}");
        var error = await Assert.ThrowsAsync<CarrierException>(() => CarrierDialer.DialAsync(uri, CarrierWorld.Trusting, world.Device, TimeProvider.System, Token));
        Assert.Equal(CarrierStage.Tls, error.Stage);
        Assert.Contains("Is it a TLS port", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stranger_without_TLS_disturbs_nobody()
    {
        await using var world = CarrierWorld.Open("tls://127.0.0.1:0");
        using var stranger = await world.ConnectRawAsync();
        await stranger.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Token);
        await world.ConnectAsync();
    }

    private static ListenOptions Asking(X509Certificate2? allowed) => new()
    {
        Certificate = TestCertificate.Relay,
        RequireClientCertificate = allowed is null,
        ClientThumbprint = allowed is null ? [] : [CertificatePins.Sha256(allowed)],
    };

    private static async Task<CarrierException> FailAsync(CarrierWorld world, DialOptions options)
    {
        var error = await Assert.ThrowsAsync<CarrierException>(() => world.DialAsync(options));
        Assert.Equal(CarrierStage.Tls, error.Stage);
        Assert.True(world.Device.IsEmpty, $"{world.Device}");
        return error;
    }
}
