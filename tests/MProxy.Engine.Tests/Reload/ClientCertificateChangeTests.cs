using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Reload;

/// <summary>Which certificates let devices in changes while they are in: those of others are out at once, and may come back when they are let.</summary>
public class ClientCertificateChangeTests
{
    private readonly EventLog _events = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_device_whose_thumbprint_is_taken_away_is_out_at_once_and_others_stay(bool bySha1)
    {
        using var one = TestCertificate.SelfSigned("one");
        using var two = TestCertificate.SelfSigned("two");
        string PinOf(System.Security.Cryptography.X509Certificates.X509Certificate2 certificate) => bySha1 ? CertificatePins.Sha1(certificate) : CertificatePins.Sha256(certificate);
        await using var relay = Start(options => options with { ClientThumbprint = [PinOf(one), PinOf(two)] });
        await using var service = new FrontService(LocalService.EchoAsync);
        await using var first = await StartTunnelAsync(relay, service.Target, one);
        await using var second = await StartTunnelAsync(relay, service.Target, two);
        first.EventRaised += _events.Take;
        using var client = await FrontClient.ConnectAsync(relay.TcpPort[0]);
        using var other = await FrontClient.ConnectAsync(relay.TcpPort[0]);
        await EchoesAsync(client);
        await EchoesAsync(other);
        Assert.Equal((1, 1), (first.ClientCount, second.ClientCount));
        relay.Change(options => options with { Carrier = options.Carrier with { ClientThumbprint = [PinOf(two)] } });
        await client.IsResetAsync();
        await EchoesAsync(other);
        Assert.Contains("another certificate", (await _events.NextAsync(EventKind.PeerError)).Message, StringComparison.Ordinal);

        // It goes on asking, since the certificate may be let in again.
        await _events.NextAsync(EventKind.LinkLost);
        Assert.NotEqual(LinkState.Connected, first.State);
        relay.Change(options => options with { Carrier = options.Carrier with { ClientThumbprint = [PinOf(one), PinOf(two)] } });
        await _events.NextAsync(EventKind.LinkUp);
        Assert.Equal(LinkState.Connected, second.State);
        await EchoesAsync(other);
    }

    /// <summary>Sessions of TLS are taken up again by name, not by address.</summary>
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task A_device_that_was_not_asked_for_its_certificate_shows_it_when_it_is(string host)
    {
        using var one = TestCertificate.SelfSigned("one");
        await using var relay = Start(options => options);
        await using var service = new FrontService(LocalService.EchoAsync);
        await using var tunnel = await StartTunnelAsync(relay, service.Target, one, host);
        tunnel.EventRaised += _events.Take;
        relay.Change(options => options with { Carrier = options.Carrier with { ClientThumbprint = [CertificatePins.Sha256(one)] } });
        await _events.NextAsync(EventKind.LinkLost);
        await _events.NextAsync(EventKind.LinkUp);
        using var client = await FrontClient.ConnectAsync(relay.TcpPort[0]);
        await EchoesAsync(client);
    }

    [Fact]
    public async Task A_device_without_a_certificate_is_out_where_a_trusted_one_is_required()
    {
        await using var relay = Start(options => options);
        await using var service = new FrontService(LocalService.EchoAsync);
        await using var tunnel = await StartTunnelAsync(relay, service.Target, null);
        tunnel.EventRaised += _events.Take;
        relay.Change(options => options with { Carrier = options.Carrier with { RequireClientCertificate = true } });
        await _events.NextAsync(EventKind.LinkLost);
        await Until.TrueAsync(() => relay.LinkCount == 0);
    }

    [Fact]
    public async Task A_device_that_shook_hands_by_rules_from_before_is_out_too()
    {
        using var one = TestCertificate.SelfSigned("one");
        await using var relay = Start(options => options with { ClientThumbprint = [CertificatePins.Sha256(one)] });
        await using var world = CarrierWorld.Open("tls://127.0.0.1:0", new ListenOptions { Certificate = TestCertificate.Relay, ClientThumbprint = [CertificatePins.Sha256(one)] });
        var dialling = world.DialAsync(CarrierWorld.Trusting with { ClientCertificate = one });
        var accepted = await world.AcceptedAsync();
        relay.Change(options => options with { Carrier = options.Carrier with { ClientThumbprint = [new string('0', 64)] } });
        relay.AcceptLink(accepted);
        var device = await dialling;

        // It is told why, and is not greeted.
        var buffer = new byte[1000];
        var words = System.Text.Encoding.UTF8.GetString(buffer, 0, await device.Stream.ReadAsync(buffer, Token));
        Assert.Contains("another certificate", words, StringComparison.Ordinal);
        Assert.DoesNotContain("hello", words, StringComparison.Ordinal);
        Assert.Equal(0, relay.LinkCount);
    }

    private static async Task EchoesAsync(FrontClient client)
    {
        await client.SendAsync("echo");
        Assert.Equal("echo", await client.ReadTextAsync(4));
    }

    private static RelayServer Start(Func<ListenOptions, ListenOptions> carrier) => RelayServer.Start(new RelayOptions
    {
        Name = "reload",
        Listen = [CarrierUri.Parse("tls://127.0.0.1:0")],
        TcpPort = [0],
        Carrier = carrier(new ListenOptions { Certificate = TestCertificate.Relay }),
    });

    private static Task<Tunnel> StartTunnelAsync(RelayServer relay, string target, System.Security.Cryptography.X509Certificates.X509Certificate2? certificate, string host = "127.0.0.1") => Tunnel.StartAsync(
        WorldOptions.Tunnels(WorldOptions.Links(CarrierUri.Parse($"tls://{host}:{relay.Listen[0].Port}")) with { Dial = CarrierWorld.Trusting with { ClientCertificate = certificate } }, "tcp", target), cancellationToken: Token);
}
