using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Fleet;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>Relays that work as one, with devices at some of them. Nothing may be left open at its end.</summary>
internal sealed class FleetWorld(string? directory = null, TimeProvider? time = null) : IAsyncDisposable
{
    private readonly List<Tunnel> _devices = [];
    private readonly List<RelayServer> _relays = [];
    private readonly List<IAsyncDisposable> _services = [];
    private readonly TokenKey _key = TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32));
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public DirectoryUri Directory { get; } = DirectoryUri.Parse(directory ?? $"memory://{Guid.NewGuid():n}");

    public Dictionary<RelayServer, EventLog> Events { get; } = [];

    public IReadOnlyList<RelayServer> Relays => _relays;

    /// <summary>A relay that lets every device of this machine serve everything.</summary>
    public static RelayOptions WithoutTokens(RelayOptions options) => options with { Keys = [] };

    /// <summary>Each relay has told the directory what it serves, and knows all others.</summary>
    public Task SettledAsync() => Until.TrueAsync(() => _relays.TrueForAll(relay => relay.Fleet!.IsSettled && relay.FleetRelays.Count(other => other.State == FleetState.Up) == _relays.Count));

    /// <summary>Starts a relay, which is in the fleet when this returns.</summary>
    public async Task<RelayServer> AddRelayAsync(string name, Func<RelayOptions, RelayOptions>? options = null)
    {
        var relay = Start(name, options);
        await Events[relay].NextAsync(EventKind.DirectoryFound);
        return relay;
    }

    /// <summary>The same, and does not wait for the directory.</summary>
    public RelayServer Start(string name, Func<RelayOptions, RelayOptions>? options = null)
    {
        var usual = new RelayOptions
        {
            Name = name,
            Listen = [CarrierUri.Parse("tcp://127.0.0.1:0")],
            TcpPort = [0],
            TlsPort = [0],
            HttpPort = [0],
            UdpPort = [0],
            DnsPort = [0],
            Keys = [_key],
            Fleet = new FleetOptions
            {
                Directory = Directory,
                NodeName = name,
                PeerListen = CarrierUri.Parse("tls://127.0.0.1:0"),
                PeerCertificate = TestCertificate.Relay,
                Beat = TimeSpan.FromMilliseconds(100),

                // No test waits for its end. Held up for that long, a relay would be gone for the others.
                Lease = TimeSpan.FromSeconds(10),
            },
        };
        var relay = RelayServer.Start(options?.Invoke(usual) ?? usual, _time);
        Events[relay] = new EventLog();
        relay.EventRaised += Events[relay].Take;
        _relays.Add(relay);
        return relay;
    }

    /// <summary>A web server of this name, and a device that serves it with a link to each of these relays.</summary>
    public async Task<(NamedWeb Web, Tunnel Device)> AddWebAsync(string name, params RelayServer[] relays) => await AddWebAsync(name, new Grant { Domains = [name] }, relays);

    public async Task<(NamedWeb Web, Tunnel Device)> AddWebAsync(string name, Grant grant, params RelayServer[] relays)
    {
        var web = new NamedWeb(name);
        return (web, await AddDeviceAsync(AddService(web.ServeAsync).Target, grant, relays));
    }

    public FrontService AddService(Func<Socket, Task> serve)
    {
        var service = new FrontService(serve);
        _services.Add(service);
        return service;
    }

    /// <summary>A device that takes all of its clients to one target.</summary>
    public async Task<Tunnel> AddDeviceAsync(string target, Grant grant, params RelayServer[] relays)
    {
        var token = TokenLibrary.Load().Create(new TokenClaims { Grant = grant }, _key, _time.GetUtcNow());
        var tunnel = await Tunnel.StartAsync(
            new TunnelOptions
            {
                Name = "device",
                Relays = [.. relays.Select(relay => new DeviceLinkOptions
                {
                    Relay = relay.Listen[0],
                    Tokens = [token],
                    MaxRetryDelay = TimeSpan.FromMilliseconds(200),
                    Dial = CarrierWorld.Trusting,
                })],
                Service = new ServiceMap([new("*", LocalTarget.Parse(target))]),
            },
            cancellationToken: Token);
        _devices.Add(tunnel);
        return tunnel;
    }

    /// <summary>A client of a relay asks for the name of a web server.</summary>
    public static async Task<string> AskAsync(RelayServer relay, string name)
    {
        using var client = await FrontClient.ConnectAsync(relay.HttpPort[0]);
        return await AskAsync(client, name);
    }

    public static async Task<string> AskAsync(FrontClient client, string name)
    {
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n");
        return (await client.ReadAnswerAsync()).Split(':')[0];
    }

    /// <summary>Waits until a client of a relay is served for a name.</summary>
    public static Task ServesAsync(RelayServer relay, string name, string? by = null) => Until.TrueAsync(async () =>
    {
        try
        {
            return await AskAsync(relay, name) == (by ?? name);
        }
        catch (Exception error) when (error is SocketException or Xunit.Sdk.XunitException or IOException)
        {
            return false;
        }
    });

    /// <summary>A port that takes connections and never says a word.</summary>
    public static Socket Hole()
    {
        var hole = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        hole.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        hole.Listen();
        return hole;
    }

    /// <summary>Ends a relay as if its power had gone, as far as one process can: the directory keeps what it said.</summary>
    public async Task StopAsync(RelayServer relay)
    {
        await relay.DisposeAsync();
        Check(relay);
        _relays.Remove(relay);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var device in _devices)
        {
            await device.DisposeAsync();
        }

        foreach (var relay in _relays)
        {
            await relay.DisposeAsync();
        }

        foreach (var service in _services)
        {
            await service.DisposeAsync();
        }

        Assert.All(_relays, Check);
        Assert.All(_devices, tunnel => Assert.Equal("0 open, 0 buffers, 0 loops", $"{tunnel.Ledger}"));
    }

    private static void Check(RelayServer relay)
    {
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{relay.Ledger}");
        Assert.Equal((0, 0), (relay.Admission.Count, relay.Admission.Arrivals.Count));
    }
}
