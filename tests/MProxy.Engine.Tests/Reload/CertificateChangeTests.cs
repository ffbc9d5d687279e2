using System.Net.Security;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Reload;

/// <summary>A relay's certificate is exchanged while it works: whoever is connected stays, and whoever comes is shown the new one.</summary>
public class CertificateChangeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_certificate_is_exchanged_under_200_MB_of_running_transfers_and_nobody_is_lost()
    {
        const int Clients = 8;
        const int Length = 100_000_000 / Clients;
        using var old = TestCertificate.SelfSigned("old");
        using var renewed = TestCertificate.SelfSigned("renewed");
        await using var relay = RelayServer.Start(new RelayOptions
        {
            Name = "reload",
            Listen = [CarrierUri.Parse("tls://127.0.0.1:0"), CarrierUri.Parse("wss://127.0.0.1:0")],
            TcpPort = [0],
            Carrier = new ListenOptions { Certificate = old },
        });
        await using var service = new FrontService(LocalService.EchoAsync);
        await using var one = await StartTunnelAsync(relay.Listen[0], service.Target, CertificatePins.Sha256(old));
        await using var two = await StartTunnelAsync(relay.Listen[1], service.Target, CertificatePins.Sha256(old));

        // What comes back counts too: 200 MB over the links of both, in turn.
        using var transfers = await RunningTransfers.StartAsync(relay.TcpPort[0], Clients, Length);
        Assert.Equal((Clients / 2, Clients / 2), (one.ClientCount, two.ClientCount));
        var before = transfers.Received;
        relay.Change(options => options with { Carrier = options.Carrier with { Certificate = renewed } });
        Assert.True(before < (long)Clients * Length);

        // New devices are shown the new one, at each listener, and the old one lets nobody in.
        foreach (var listen in relay.Listen)
        {
            await using var link = await DeviceLink.ConnectAsync(Pinned(listen, CertificatePins.Sha256(renewed)), cancellationToken: Token);
            Assert.Equal(CertificatePins.Sha256(renewed), link.Thumbprint);
            var refusal = await Assert.ThrowsAsync<LinkException>(() => ConnectAsync(listen, CertificatePins.Sha256(old)));
            Assert.Contains($"is another than the pinned one; the SHA-256 thumbprint is {CertificatePins.Sha256(renewed)}", refusal.Message, StringComparison.Ordinal);
        }

        await transfers.FinishAsync();
        Assert.All([one, two], tunnel =>
        {
            Assert.Equal(LinkState.Connected, tunnel.State);
            Assert.Equal(CertificatePins.Sha256(old), tunnel.Links[0].Thumbprint);
        });
        Assert.Equal(0, relay.RefusedCount);
        await Until.TrueAsync(() => relay.LinkCount == 2);
        await Task.WhenAll(one.StopAsync(cancellationToken: Token), two.StopAsync(cancellationToken: Token));
        await relay.StopAsync(cancellationToken: Token);
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{relay.Ledger}");
    }

    [Fact]
    public async Task The_chain_is_exchanged_with_the_certificate()
    {
        var (leaf, intermediate, _) = TestCertificate.Chain();
        await using var relay = RelayServer.Start(WorldOptions.Relays("tls://127.0.0.1:0"));
        relay.Change(options => options with { Carrier = options.Carrier with { Certificate = leaf, CertificateChain = [intermediate] } });
        using var socket = await TcpSocket.ConnectAsync("127.0.0.1", relay.Listen[0].Port, Token);
        string[] seen = [];
        await using var tls = new SslStream(new NetworkStream(socket), false, (_, shown, chain, _) =>
        {
            seen = [.. chain!.ChainPolicy.ExtraStore.Select(CertificatePins.Sha256)];
            return CertificatePins.Sha256(shown!) == CertificatePins.Sha256(leaf);
        });
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, Token);

        Assert.Contains(CertificatePins.Sha256(intermediate), seen);
    }

    [Fact]
    public async Task A_handshake_time_out_and_how_many_may_be_under_way_change_for_those_who_come_next()
    {
        await using var relay = RelayServer.Start(WorldOptions.Relays("tls://127.0.0.1:0"));
        relay.Change(options => options with { Carrier = options.Carrier with { HandshakeTimeout = TimeSpan.FromMilliseconds(50) } });
        using var silent = await FrontClient.ConnectAsync(relay.Listen[0].Port);
        Assert.Equal("", await silent.ReadAllAsync());

        relay.Change(options => options with { Carrier = options.Carrier with { HandshakeTimeout = TimeSpan.FromMinutes(1) }, Limits = new RelayLimits { MaxPendingLinks = 1 } });
        using var first = await FrontClient.ConnectAsync(relay.Listen[0].Port);
        using var second = await FrontClient.ConnectAsync(relay.Listen[0].Port);
        Assert.Equal("", await first.ReadAllAsync());
    }

    private static async Task ConnectAsync(CarrierUri relay, string thumbprint)
    {
        await using var link = await DeviceLink.ConnectAsync(Pinned(relay, thumbprint), cancellationToken: Token);
    }

    private static Task<Tunnel> StartTunnelAsync(CarrierUri relay, string target, string thumbprint) =>
        Tunnel.StartAsync(WorldOptions.Tunnels(Pinned(relay, thumbprint), "tcp", target), cancellationToken: Token);

    private static DeviceLinkOptions Pinned(CarrierUri relay, string thumbprint) =>
        WorldOptions.Links(relay) with { Dial = CarrierWorld.Direct with { Thumbprint = [thumbprint] } };
}
