using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Interop;

/// <summary>A relay and a device of which one is ours, and the other a program on the reference's package; a service behind, and a port for clients.</summary>
internal sealed class InteropWorld : IAsyncDisposable
{
    private static readonly TokenKey Key = TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32));

    private readonly FrontService _service;

    private InteropWorld(Func<Socket, Task> serve) => _service = new FrontService(serve);

    /// <summary>The peer.</summary>
    public NodeProgram Peer { get; private set; } = null!;

    /// <summary>Ours, where the device is theirs.</summary>
    public RelayServer? Relay { get; private set; }

    /// <summary>Ours, where the relay is theirs.</summary>
    public Tunnel? Tunnel { get; private set; }

    /// <summary>Where clients come in.</summary>
    public int Port { get; private set; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="isRelayOurs">Whether the relay is ours, and the device theirs.</param>
    /// <param name="scheme">ws or wss.</param>
    /// <param name="serve">The service.</param>
    /// <param name="how">How the device shows its token: in the url, in a header, or by a command.</param>
    public static async Task<InteropWorld> StartAsync(bool isRelayOurs, string scheme, Func<Socket, Task> serve, string how = "command")
    {
        var world = new InteropWorld(serve);
        try
        {
            await (isRelayOurs ? world.StartRelayAsync(scheme, how) : world.StartTunnelAsync(scheme, how));
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await (Tunnel?.DisposeAsync() ?? default);
        await (Peer?.DisposeAsync() ?? default);
        await (Relay?.DisposeAsync() ?? default);
        await _service.DisposeAsync();
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{Tunnel?.Ledger ?? Relay?.Ledger}");
    }

    private static string NewToken(int port) => TokenLibrary.Load().Create(new TokenClaims { Grant = new Grant { Ports = [port] } }, Key, DateTimeOffset.UtcNow);

    private async Task StartRelayAsync(string scheme, string how)
    {
        Relay = RelayServer.Start(WorldOptions.Relays($"{scheme}://127.0.0.1:0") with { Keys = [Key] });
        Port = Relay.TcpPort[0];
        Peer = await NodeProgram.StartAsync("device.js", new
        {
            relay = $"{scheme}://localhost:{Relay.Listen[0].Port}",
            token = NewToken(Port),
            how,
            port = PortOfService(),
            certificate = TestCertificate.Relay.ExportCertificatePem(),
        });
        await Peer.CommandAsync("grant");
        await Until.TrueAsync(() => Relay.LinkCount == 1);
    }

    private async Task StartTunnelAsync(string scheme, string how)
    {
        using var key = TestCertificate.Relay.GetECDsaPrivateKey();
        Peer = await NodeProgram.StartAsync("relay.js", scheme == "ws" ? new { } : new { certificate = TestCertificate.Relay.ExportCertificatePem(), key = key!.ExportPkcs8PrivateKeyPem() });
        var listening = await Peer.NextAsync("listening");
        Port = listening.GetProperty("clients").GetInt32();
        var token = NewToken(Port);
        var url = $"{scheme}://localhost:{listening.GetProperty("port").GetInt32()}/";
        var link = WorldOptions.Links(CarrierUri.Parse(how == "url" ? $"{url}?access_token={token}" : url));
        var showing = how switch
        {
            "url" => link,
            "header" => link with { Dial = link.Dial with { Headers = new Dictionary<string, string> { ["Authorization"] = $"Bearer {token}" } } },
            _ => link with { Tokens = [token] },
        };
        Tunnel = await Tunnel.StartAsync(WorldOptions.Tunnels(showing, "tcp", $"127.0.0.1:{PortOfService()}"), cancellationToken: Token);
        var shown = await Peer.NextAsync("device");
        Assert.Equal(how == "url" ? token : null, shown.GetProperty("url").GetString());
        Assert.Equal(how == "header" ? $"Bearer {token}" : null, shown.TryGetProperty("header", out var header) ? header.GetString() : null);
        if (how == "command")
        {
            Assert.Equal(token, (await Peer.CommandAsync("add_token"))[1].GetString());
        }
    }

    private int PortOfService() => System.Net.IPEndPoint.Parse(_service.Target).Port;
}
