using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;

namespace MProxy.Engine.Tests;

/// <summary>A relay, a tunnel and a local service, ended together. Nothing may be left open at its end.</summary>
internal sealed class World : IAsyncDisposable
{
    private readonly Socket _service;
    private readonly TaskSet _clients = new(new ResourceLedger());
    private readonly CancellationTokenSource _stopping = new();
    private readonly WorldOptions _options;
    private Tunnel? _tunnel;

    private World(WorldOptions options)
    {
        _options = options;
        _service = options.LocalService();
        Relay = RelayServer.Start(options.Relay(WorldOptions.Relays(options.Listen)));
    }

    public RelayServer Relay { get; }

    public Tunnel Tunnel => _tunnel!;

    public string Target => $"{(_service.AddressFamily == AddressFamily.Unix ? "unix:" : "")}{_service.LocalEndPoint}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<World> StartAsync(Func<Socket, Task> serve, WorldOptions? options = null)
    {
        var world = new World(options ?? new WorldOptions());
        world._clients.Run(() => TcpSocket.AcceptAllAsync(
            world._service, local => world._clients.Run(() => ServeAsync(local, serve)), TimeProvider.System, world._stopping.Token));
        world._tunnel = await world.StartTunnelAsync(world._options.Target(world.Target));
        return world;
    }

    public Task<Tunnel> StartTunnelAsync(string target) => Tunnel.StartAsync(
        _options.Tunnel(WorldOptions.Tunnels(_options.Device(WorldOptions.Links(Relay.Listen[0])), _options.Service, target)), cancellationToken: Token);

    public Task<Socket> ConnectAsync() => TcpSocket.ConnectAsync("127.0.0.1", Relay.TcpPort[0], Token);

    public async Task<byte[]> ExchangeAsync(byte[] sent, int step)
    {
        using var client = await ConnectAsync();
        var reading = LocalService.ReadAllAsync(client);
        await LocalService.SendAllAsync(client, sent, step);
        client.Shutdown(SocketShutdown.Send);
        return await reading;
    }

    public async Task StopAsync()
    {
        await _tunnel!.DisposeAsync();
        await Relay.DisposeAsync();
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{_tunnel.Ledger}");
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{Relay.Ledger}");
        Assert.Equal((0, 0), (Relay.Admission.Count, Relay.Admission.Arrivals.Count));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _stopping.CancelAsync();
        _service.Dispose();
        await _clients.WhenEmptyAsync();
    }

    private static async Task ServeAsync(Socket local, Func<Socket, Task> serve)
    {
        using (local)
        {
            try
            {
                await serve(local);
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException)
            {
                // The tunnel was cut: that is for the test's own assertions to notice.
            }
        }
    }
}
