using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Sessions;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Front;

/// <summary>A relay with one client port of each kind, and devices that serve what their tokens name. Nothing may be left open at its end.</summary>
internal sealed class FrontWorld : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _devices = [];
    private readonly List<IAsyncDisposable> _services = [];
    private readonly TokenKey _key = TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32));
    private readonly TimeProvider _time;

    public FrontWorld(Func<RelayOptions, RelayOptions>? options = null, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        var usual = new RelayOptions
        {
            Name = "front",
            Listen = [CarrierUri.Parse("tcp://127.0.0.1:0")],
            TcpPort = [0],
            TlsPort = [0],
            HttpPort = [0],
            MixedPort = [0],
            DnsPort = [0],
            Keys = [_key],
        };
        Relay = RelayServer.Start(options?.Invoke(usual) ?? usual, _time);
        Relay.EventRaised += Events.Take;
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public RelayServer Relay { get; }

    public EventLog Events { get; } = new();

    /// <summary>Pooled buffers that the relay and its tunnels have at the moment.</summary>
    public int Buffers => Relay.Ledger.Buffers + _devices.OfType<Tunnel>().Sum(tunnel => tunnel.Ledger.Buffers);

    public int Tcp => Relay.TcpPort[0];

    public int Tls => Relay.TlsPort[0];

    public int Http => Relay.HttpPort[0];

    public int Mixed => Relay.MixedPort[0];

    public int Dns => Relay.DnsPort[0];

    /// <summary>The relay's port of this kind.</summary>
    public int PortOf(string kind) => kind switch
    {
        "Tls" => Tls,
        "Http" => Http,
        "Mixed" => Mixed,
        _ => Tcp,
    };

    public FrontService AddService(Func<Socket, Task> serve)
    {
        var service = new FrontService(serve);
        _services.Add(service);
        return service;
    }

    /// <summary>A device that takes all of its clients to one target.</summary>
    public Task<Tunnel> AddDeviceAsync(string target, params string[] domains) => AddDeviceAsync(target, domains, []);

    public async Task<Tunnel> AddDeviceAsync(string target, string[] domains, int[] ports, Func<TunnelOptions, TunnelOptions>? options = null, string id = "")
    {
        var usual = new TunnelOptions
        {
            Name = "device",
            Relays = [Links(domains, ports, id)],
            Service = new ServiceMap([new("*", LocalTarget.Parse(target))]),
        };
        var tunnel = await Tunnel.StartAsync(options?.Invoke(usual) ?? usual, cancellationToken: Token);
        _devices.Add(tunnel);
        return tunnel;
    }

    /// <summary>A device that may serve a port of UDP.</summary>
    public async Task<Tunnel> AddUdpDeviceAsync(string target, int port)
    {
        var tunnel = await Tunnel.StartAsync(
            new TunnelOptions
            {
                Name = "device",
                Relays = [Links(new Grant { UdpPorts = [port] })],
                Service = new ServiceMap([new("*", LocalTarget.Parse(target))]),
            },
            cancellationToken: Token);
        _devices.Add(tunnel);
        return tunnel;
    }

    /// <summary>A device that waits for its first frame. Clients that came while nobody waits would be refused.</summary>
    public async Task<(DeviceLink Link, Task<Frame?> First)> AddScriptAsync(params string[] domains)
    {
        var link = await DeviceLink.ConnectAsync(Links(domains, []), cancellationToken: Token);
        _devices.Add(link);
        return (link, link.ReceiveFrameAsync(Token));
    }

    /// <summary>A web server of this name and a device that serves it.</summary>
    public async Task<(NamedWeb Web, FrontService Service)> AddWebAsync(string name, Func<TunnelOptions, TunnelOptions>? options = null, params int[] ports)
    {
        var web = new NamedWeb(name);
        var service = AddService(options is null ? web.ServeAsync : web.ServeProxiedAsync);
        await AddDeviceAsync(service.Target, [name], ports, options);
        return (web, service);
    }

    /// <summary>A client of HTTP asks a <see cref="NamedWeb"/> for its name; how long that took.</summary>
    public async Task<TimeSpan> TimeRequestAsync(string name)
    {
        var since = Stopwatch.GetTimestamp();
        using var client = await FrontClient.ConnectAsync(Http);
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n");
        Assert.Contains(name, await client.ReadAnswerAsync(), StringComparison.Ordinal);
        return Stopwatch.GetElapsedTime(since);
    }

    /// <summary>Everything that the relay and its devices held is given back, also when a test has found a fault.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var device in _devices)
        {
            await device.DisposeAsync();
        }

        await Relay.DisposeAsync();
        foreach (var service in _services)
        {
            await service.DisposeAsync();
        }

        Assert.Equal("0 open, 0 buffers, 0 loops", $"{Relay.Ledger}");
        Assert.Equal((0, 0), (Relay.Admission.Count, Relay.Admission.Arrivals.Count));
        Assert.All(_devices.OfType<Tunnel>(), tunnel => Assert.Equal("0 open, 0 buffers, 0 loops", $"{tunnel.Ledger}"));
        Assert.All(_devices.OfType<DeviceLink>(), link => Assert.Equal("0 open, 0 buffers, 0 loops", $"{link.Ledger}"));
    }

    private DeviceLinkOptions Links(string[] domains, int[] ports, string id = "") => Links(new Grant { Id = id, Domains = domains, Ports = ports });

    private DeviceLinkOptions Links(Grant grant) => new()
    {
        Relay = Relay.Listen[0],
        Tokens = [TokenLibrary.Load().Create(new TokenClaims { Grant = grant }, _key, _time.GetUtcNow())],
        MaxRetryDelay = TimeSpan.FromMilliseconds(50),
        Dial = CarrierWorld.Trusting,
    };
}
