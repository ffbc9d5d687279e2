using System.Net;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Sessions;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Reload;

/// <summary>What cannot change while something runs is named, and then nothing of it has changed.</summary>
public class FixedOptionsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, Func<RelayOptions, RelayOptions>> OfRelay() => new()
    {
        { "Name", options => options with { Name = "other" } },
        { "Listen", options => options with { Listen = [CarrierUri.Parse("tcp://127.0.0.1:1")] } },
        { "Streams", options => options with { Streams = [Stream.Null] } },
        { "TcpPort", options => options with { TcpPort = [0, 0] } },
        { "TlsPort", options => options with { TlsPort = [443] } },
        { "HttpPort", options => options with { HttpPort = [80] } },
        { "MixedPort", options => options with { MixedPort = [8080] } },
        { "UdpPort", options => options with { UdpPort = [53] } },
        { "DnsPort", options => options with { DnsPort = [53] } },
        { "GrantedPort", options => options with { GrantedPort = [1] } },
        { "GrantedUdpPort", options => options with { GrantedUdpPort = [1] } },
        { "PublicAddress", options => options with { PublicAddress = IPAddress.Any } },
        { "Link", options => options with { Link = options.Link with { HighMark = 1 } } },
        { "TcpPort, PublicAddress", options => options with { TcpPort = [1], PublicAddress = IPAddress.Any } },
    };

    public static TheoryData<string, Func<TunnelOptions, TunnelOptions>> OfTunnel() => new()
    {
        { "Name", options => options with { Name = "other" } },
        { "Links", options => options with { Links = [null!] } },
        { "Relays", options => options with { Relays = [] } },
        { "Relays.Relay", options => WithRelay(options, relay => relay with { Relay = CarrierUri.Parse("tcp://127.0.0.1:1") }) },
        { "Relays.Dial", options => WithRelay(options, relay => relay with { Dial = relay.Dial with { Thumbprint = [new string('0', 64)] } }) },
        { "Relays.ConnectTimeout, Relays.Link", options => WithRelay(options, relay => relay with { ConnectTimeout = TimeSpan.FromDays(1), Link = new LinkOptions { LowMark = 7 } }) },
    };

    [Theory]
    [MemberData(nameof(OfRelay))]
    public async Task What_a_relay_cannot_change_is_refused_whole(string names, Func<RelayOptions, RelayOptions> change)
    {
        await using var relay = RelayServer.Start(WorldOptions.Relays());
        var listen = relay.Listen;
        var error = Assert.Throws<FixedOptionException>(() => relay.Change(options => change(options) with { Limits = new RelayLimits { MaxClients = 1 } }));
        Assert.Equal(names, string.Join(", ", error.Options));
        Assert.Equal($"{names} cannot change while the relay runs: stop it, and start it with the new value.", error.Message);
        relay.Change(options =>
        {
            Assert.Equal(("test", 10_000, 1), (options.Name, options.Limits.MaxClients, options.TcpPort.Count));
            return options;
        });
        Assert.Same(listen, relay.Listen);
    }

    [Theory]
    [MemberData(nameof(OfTunnel))]
    public async Task What_a_tunnel_cannot_change_is_refused_whole(string names, Func<TunnelOptions, TunnelOptions> change)
    {
        await using var relay = RelayServer.Start(WorldOptions.Relays());
        await using var tunnel = await Tunnel.StartAsync(WorldOptions.Tunnels(relay.Listen[0].Port, "tcp", "127.0.0.1:9"), cancellationToken: Token);
        var error = await Assert.ThrowsAsync<FixedOptionException>(() => tunnel.ChangeAsync(options => change(options) with { DialTimeout = TimeSpan.FromSeconds(1) }, Token));
        Assert.Equal(names, string.Join(", ", error.Options));
        await tunnel.ChangeAsync(
            options =>
            {
                Assert.Equal(("test", TimeSpan.FromSeconds(10)), (options.Name, options.DialTimeout));
                return options;
            },
            Token);
    }

    [Fact]
    public async Task The_same_values_made_anew_are_no_change()
    {
        var certificate = TestCertificate.SelfSigned("device");
        DeviceLinkOptions Link(CarrierUri relay) => new()
        {
            Relay = relay,
            MaxRetryDelay = TimeSpan.FromMilliseconds(50),
            Link = new LinkOptions { HighMark = 1_000, LowMark = 10 },
            Dial = new DialOptions
            {
                SkipCertificateCheck = true,
                ClientCertificate = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null),
                Headers = new Dictionary<string, string> { ["X-One"] = "1" },
            },
        };
        RelayOptions Relays() => WorldOptions.Relays("wss://127.0.0.1:0") with { GrantedPort = [1, 2], PublicAddress = IPAddress.Parse("127.0.0.1"), Link = new LinkOptions { HighMark = 5 } };
        await using var relay = RelayServer.Start(Relays());
        relay.Change(_ => Relays());

        // By content: another certificate of the same issuer and number would be another.
        await using var tunnel = await Tunnel.StartAsync(WorldOptions.Tunnels(Link(relay.Listen[0]), "tcp", "127.0.0.1:9"), cancellationToken: Token);
        await tunnel.ChangeAsync(options => options with { Relays = [Link(relay.Listen[0])] }, Token);
        var error = await Assert.ThrowsAsync<FixedOptionException>(() => tunnel.ChangeAsync(
            options => WithRelay(options, link => link with { Dial = link.Dial with { ClientCertificate = TestCertificate.SelfSigned("device") } }), Token));
        Assert.Equal(["Relays.Dial"], error.Options);
    }

    public static TheoryData<string, Func<RelayOptions, RelayOptions>> Wrong() => new()
    {
        { "RedirectToHttps is for", options => options with { RedirectToHttps = true } },
        { "empty id", options => options with { RevokedTokenIds = ["a", ""] } },
        { "TokenTimeout is more", options => options with { TokenTimeout = TimeSpan.Zero } },
        { "FirstByteTimeout is more", options => options with { FirstByteTimeout = TimeSpan.FromDays(50) } },
        { "HandshakeTimeout is more", options => options with { Carrier = options.Carrier with { HandshakeTimeout = TimeSpan.FromSeconds(-1) } } },
        { "MaxClients cannot be -1", options => options with { Limits = new RelayLimits { MaxClients = -1 } } },
        { "ClientBytesPerSecond cannot be -2", options => options with { Limits = new RelayLimits { ClientBytesPerSecond = -2 } } },
        { "MaxAmplification cannot be NaN", options => options with { Limits = new RelayLimits { MaxAmplification = double.NaN } } },
        { "ClientIdleTimeout cannot be", options => options with { Limits = new RelayLimits { ClientIdleTimeout = TimeSpan.FromSeconds(-1) } } },
        { "needs a certificate with its private key", options => options with { Carrier = options.Carrier with { Certificate = null } } },
        { "is no thumbprint", options => options with { Carrier = options.Carrier with { ClientThumbprint = ["12"] } } },
        { "MaxPendingLinks cannot be -1", options => options with { Limits = new RelayLimits { MaxPendingLinks = -1 } } },
        { "cannot do without keys", options => options with { Keys = [] } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_no_relay_can_work_with_is_refused_whole_and_before_it_starts_too(string reason, Func<RelayOptions, RelayOptions> change)
    {
        var usual = WorldOptions.Relays("tls://127.0.0.1:0") with { Keys = [MemoryWorld.Key], Limits = new RelayLimits { MaxClients = 77 } };
        await using var relay = RelayServer.Start(usual);
        var error = Assert.ThrowsAny<Exception>(() => relay.Change(options => change(options with { Limits = new RelayLimits(), Balance = RelayBalance.LeastConnections })));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        relay.Change(options =>
        {
            Assert.Equal((77, RelayBalance.RoundRobin, 1), (options.Limits.MaxClients, options.Balance, options.Keys.Count));
            return options;
        });
        await using var link = await DeviceLink.ConnectAsync(WorldOptions.Links(relay.Listen[0]) with { Tokens = [TokenOf()] }, cancellationToken: Token);
        Assert.Equal(CertificatePins.Sha256(TestCertificate.Relay), link.Thumbprint);
        if (reason is not "cannot do without keys")
        {
            Assert.Contains(reason, Assert.ThrowsAny<ArgumentException>(() => RelayServer.Start(change(usual))).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_relay_does_not_begin_to_ask_for_tokens_nor_open_itself_to_others_while_it_runs()
    {
        await using var open = RelayServer.Start(WorldOptions.Relays());
        Assert.Contains("cannot ask for them", Assert.Throws<InvalidOperationException>(() => open.Change(options => options with { Keys = [MemoryWorld.Key] })).Message, StringComparison.Ordinal);

        var pin = CertificatePins.Sha256(TestCertificate.Relay);
        await using var wide = RelayServer.Start(WorldOptions.Relays("tls://0.0.0.0:0") with { Carrier = new ListenOptions { Certificate = TestCertificate.Relay, ClientThumbprint = [pin] } });
        var error = Assert.Throws<InvalidOperationException>(() => wide.Change(options => options with { Carrier = options.Carrier with { ClientThumbprint = [] } }));
        Assert.Contains("loopback only", error.Message, StringComparison.Ordinal);
        wide.Change(options => options with { Carrier = options.Carrier with { ClientThumbprint = [], RequireClientCertificate = true } });
    }

    [Fact]
    public async Task What_has_stopped_cannot_change_and_what_drains_can()
    {
        await using var world = new MemoryWorld(options => options with { TcpPort = [0] });
        var link = await world.ConnectLinkAsync();
        var (client, connection) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        var stopping = world.Relay.StopAsync(TimeSpan.FromMinutes(5), Token);
        await world.Events.NextAsync(EventKind.Draining);
        world.Relay.Change(options => options with { Limits = options.Limits with { ClientIdleTimeout = TimeSpan.FromSeconds(1) } });
        world.Time.Advance(TimeSpan.FromSeconds(1.6));
        Assert.Equal(ErrorCode.Idle, (await link.ReceiveFrameAsync(Token))!.Code);
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Contains("has stopped", Assert.Throws<InvalidOperationException>(() => world.Relay.Change(options => options)).Message, StringComparison.Ordinal);
        client.Dispose();
    }

    private static TunnelOptions WithRelay(TunnelOptions options, Func<DeviceLinkOptions, DeviceLinkOptions> change) => options with { Relays = [.. options.Relays.Select(change)] };

    private static string TokenOf() => TokenLibrary.Load().Create(new TokenClaims { Grant = new Grant { Domains = ["device.example"] } }, MemoryWorld.Key, TimeProvider.System.GetUtcNow());
}
