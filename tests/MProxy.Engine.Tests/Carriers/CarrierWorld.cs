using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Carriers;

/// <summary>A listener that runs, and what dials it. At its end nothing may be left open on either side.</summary>
internal sealed class CarrierWorld : IAsyncDisposable
{
    private readonly Channel<Carrier> _accepted = Channel.CreateUnbounded<Carrier>();
    private readonly List<Carrier> _carriers = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly ResourceLedger _relay = new();
    private readonly TimeProvider _time;
    private readonly Task _running;

    private CarrierWorld(string uri, ListenOptions options, TimeProvider time, WaitingRoom pending)
    {
        _time = time;
        Listener = CarrierListener.Open(CarrierUri.Parse(uri), options, Refused.Add, pending, _relay, time);
        _running = Listener.RunAsync(carrier => _accepted.Writer.TryWrite(carrier), _stopping.Token);
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Past whatever proxy this machine has.</summary>
    public static DialOptions Direct { get; } = new() { NoProxy = true };

    public static DialOptions Trusting { get; } = Direct with { SkipCertificateCheck = true };

    public CarrierListener Listener { get; }

    /// <summary>Why connections became no carriers.</summary>
    public ConcurrentBag<string> Refused { get; } = [];

    public ResourceLedger Device { get; } = new();

    public IPEndPoint EndPoint => (IPEndPoint)Listener.Uri.ToEndPoint();

    /// <summary>A folder of its own for a socket file: the path of one may be hardly 100 bytes long.</summary>
    public static string NewSocketPath() => Path.Combine(Directory.CreateTempSubdirectory("mp").FullName, "relay.sock");

    /// <summary>Room for whoever comes.</summary>
    public static WaitingRoom Anyone { get; } = new(() => (int.MaxValue, int.MaxValue));

    public static CarrierWorld Open(string uri, ListenOptions? options = null, TimeProvider? time = null, WaitingRoom? pending = null) =>
        new(uri, options ?? new ListenOptions { Certificate = TestCertificate.Relay }, time ?? TimeProvider.System, pending ?? Anyone);

    public async Task<Carrier> DialAsync(DialOptions? options = null, string pathAndQuery = "")
    {
        var uri = pathAndQuery.Length == 0 ? Listener.Uri : CarrierUri.Parse($"{Listener.Uri.Scheme}://{EndPoint}{pathAndQuery}");
        return Own(await CarrierDialer.DialAsync(uri, options ?? Trusting, Device, _time, Token));
    }

    public async Task<Carrier> AcceptedAsync() => Own(await _accepted.Reader.ReadAsync(Token));

    public async Task<(Carrier Device, Carrier Relay)> ConnectAsync(DialOptions? options = null, string pathAndQuery = "")
    {
        var device = await DialAsync(options, pathAndQuery);
        return (device, await AcceptedAsync());
    }

    public Task<Socket> ConnectRawAsync() => TcpSocket.ConnectAsync(EndPoint.Address.ToString(), EndPoint.Port, Token);

    /// <summary>Sends text on a socket of its own, and gives all that comes back until the other side closes.</summary>
    public async Task<string> AskAsync(string request)
    {
        using var socket = await ConnectRawAsync();
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), Token);
        return await ReadAllAsync(socket);
    }

    public static async Task<string> ReadAllAsync(Socket socket)
    {
        var all = new StringBuilder();
        var buffer = new byte[4096];
        for (int count; (count = await socket.ReceiveAsync(buffer, Token)) > 0;)
        {
            all.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return all.ToString();
    }

    /// <summary>Everything that was accepted and nobody asked for.</summary>
    public int CountAccepted() => _accepted.Reader.Count;

    public async Task StopListeningAsync()
    {
        await _stopping.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(20), Token);
        await Listener.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopListeningAsync();
        while (_accepted.Reader.TryRead(out var carrier))
        {
            _carriers.Add(carrier);
        }

        foreach (var carrier in _carriers)
        {
            await carrier.DisposeAsync();
        }

        Assert.True(_relay.IsEmpty, $"relay: {_relay}");
        Assert.True(Device.IsEmpty, $"device: {Device}");
        _stopping.Dispose();
    }

    private Carrier Own(Carrier carrier)
    {
        _carriers.Add(carrier);
        return carrier;
    }
}
