using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MProxy.Engine.Access;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Metrics;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Metrics;

namespace MProxy.Engine.Tests.Limits;

/// <summary>Each limit that there is strikes, and is seen then where an operator looks: in the relay's counts, in the metrics, and in the access log.</summary>
public sealed class EveryLimitTests : IDisposable
{
    private const string Refused = "mproxy.client.refused";
    private const string Struck = "mproxy.limit.struck";
    private const string HandshakeTimeout = nameof(ListenOptions.HandshakeTimeout);

    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);
    private static readonly IPNetwork Here = IPNetwork.Parse("127.0.0.0/8");

    /// <summary>The limit, set so low that it strikes; what makes it strike, again and again; and what it is called then.</summary>
    private static readonly Dictionary<string, (RelayLimits Limits, Func<EveryLimitTests, Task> Strike, string Metric, string Word)> Cases = new()
    {
        [nameof(RelayLimits.MaxClients)] = (new() { MaxClients = 1 }, test => test.ConnectAsync(), Refused, "the relay has as many clients as it may"),
        [nameof(RelayLimits.MaxClientsPerDevice)] = (new() { MaxClientsPerDevice = 1 }, test => test.ConnectAsync(), Refused, "its devices have as many clients as they may"),
        [nameof(RelayLimits.MaxClientsPerAddress)] = (new() { MaxClientsPerAddress = 1 }, test => test.ConnectAsync(), Refused, "its address has as many clients as it may"),
        [nameof(RelayLimits.MaxNewClientsPerSecond)] = (new() { MaxNewClientsPerSecond = 1 }, test => test.ConnectAsync(), Refused, "new clients come faster than they may"),
        [nameof(RelayLimits.MaxNewClientsPerAddress)] =
            (new() { MaxNewClientsPerAddress = 1 }, test => test.ConnectAsync(), Refused, "new clients of its address come faster than they may"),
        [nameof(RelayLimits.MaxArrivals)] = (new() { MaxArrivals = 1 }, test => test.StaySilentAsync(), Refused, "too many clients came at once"),
        [nameof(RelayLimits.AllowedClients)] = (new() { AllowedClients = [IPNetwork.Parse("192.0.2.0/24")] }, test => test.ConnectAsync(), Refused, "its address may not come"),
        [nameof(RelayLimits.DeniedClients)] = (new() { DeniedClients = [Here] }, test => test.ConnectAsync(), Refused, "its address may not come"),
        [HandshakeTimeout] = (new(), test => test.StaySilentAsync(), Refused, "it did not say in time what it is for"),
        [nameof(RelayLimits.ClientBytesPerSecond)] = (new() { ClientBytesPerSecond = 1_000 }, test => test.ConnectAsync(20_000), Struck, "client bytes per second"),
        [nameof(RelayLimits.DeviceBytesPerSecond)] = (new() { DeviceBytesPerSecond = 1_000 }, test => test.ConnectAsync(20_000), Struck, "device bytes per second"),
        [nameof(RelayLimits.ClientIdleTimeout)] = (new() { ClientIdleTimeout = Short }, test => test.ConnectOnceAsync(), Struck, "client idle"),
        [nameof(RelayLimits.DatagramsPerSecond)] = (new() { DatagramsPerSecond = 1 }, test => test.SendDatagramAsync(), Struck, "datagrams per second"),
        [nameof(RelayLimits.MaxAmplification)] = (new() { MaxAmplification = 0.5 }, test => test.SendOnceAsync(), Struck, "amplification"),
        [nameof(RelayLimits.DatagramIdleTimeout)] = (new() { DatagramIdleTimeout = Short }, test => test.SendOnceAsync(), "mproxy.client.ended", "E_IDLE"),
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-limits");
    private readonly Listening _metrics = new(EngineMeter.RelayName);
    private readonly List<IDisposable> _clients = [];
    private RelayServer? _relay;
    private UdpClient? _datagrams;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string LogPath => Path.Combine(_folder.FullName, "access.log");

    public static TheoryData<string> Names() => [.. Cases.Keys];

    public void Dispose()
    {
        _metrics.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task It_is_counted_measured_and_logged(string limit)
    {
        var (limits, strike, metric, word) = Cases[limit];
        await using var service = new FrontService(LocalService.EchoAsync);
        await using var datagrams = new UdpEcho();
        await using (_relay = RelayServer.Start(WorldOptions.Relays() with
        {
            Name = _metrics.Name,
            HttpPort = [0],
            UdpPort = [0],
            Limits = limits,
            Carrier = new ListenOptions { HandshakeTimeout = limit == HandshakeTimeout ? Short : TimeSpan.FromMinutes(1) },
            AccessLog = new AccessLogOptions { Path = LogPath },
        }))
        {
            var options = WorldOptions.Tunnels(_relay.Listen[0].Port, "*", service.Target) with
            {
                Service = new ServiceMap([new("*", LocalTarget.Parse(service.Target)), new("udp", LocalTarget.Parse(datagrams.Target))]),
            };
            await using var tunnel = await Tunnel.StartAsync(options, cancellationToken: Token);
            string[] tags = metric is Refused or Struck ? [MetricWords.Slug(word)] : ["udp", word];
            var since = TimeProvider.System.GetTimestamp();
            while (_metrics.Value(metric, tags) == 0)
            {
                Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(20), $"It did not strike: {_metrics}");
                await strike(this);
            }

            // It may strike on.
            var counts = metric == Refused ? _relay.RefusedBy : _relay.LimitedBy;
            Assert.True(counts.GetValueOrDefault(word) > 0 || metric == "mproxy.client.ended", $"{word} is not counted.");
            _clients.ForEach(client => client.Dispose());
        }

        var lines = File.ReadAllLines(LogPath).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Contains(lines, line => metric switch
        {
            Refused => (Text(line, "end"), Text(line, "reason")) == ("refused", word),
            Struck => line.TryGetProperty("limited_by", out var limitedBy) && limitedBy.EnumerateArray().Any(one => one.GetString() == word),
            _ => Text(line, "end") == word,
        });
    }

    /// <summary>Whoever adds a limit says here how it is seen, or that it is seen elsewhere: in <see cref="IdleClientTests"/> and StrangerTests.</summary>
    [Fact]
    public void None_is_left_out() => Assert.Equal(
        typeof(RelayLimits).GetProperties().Select(property => property.Name).Append(HandshakeTimeout).Order(StringComparer.Ordinal),
        Cases.Keys.Append(nameof(RelayLimits.HalfClosedTimeout)).Append(nameof(RelayLimits.MaxPendingLinks)).Append(nameof(RelayLimits.MaxPendingLinksPerAddress)).Order(StringComparer.Ordinal));

    private static string? Text(JsonElement line, string member) => line.TryGetProperty(member, out var value) ? value.GetString() : null;

    /// <summary>A client that says something and stays; it may be reset for that.</summary>
    private async Task ConnectAsync(int length = 1, int? port = null)
    {
        try
        {
            var client = await FrontClient.ConnectAsync(port ?? _relay!.TcpPort[0]);
            _clients.Add(client);
            await client.SendAsync(new byte[length]);
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            await Task.Yield();
        }
    }

    private async Task ConnectOnceAsync()
    {
        await (_clients.Count == 0 ? ConnectAsync() : Task.CompletedTask);
        await Task.Yield();
    }

    private async Task StaySilentAsync()
    {
        await (_clients.Count < 2 ? ConnectAsync(0, _relay!.HttpPort[0]) : Task.CompletedTask);
        await Task.Yield();
    }

    private async Task SendDatagramAsync()
    {
        if (_datagrams is null)
        {
            _datagrams = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
            _datagrams.Connect(IPAddress.Loopback, _relay!.UdpPort[0]);
            _clients.Add(_datagrams);
        }

        await _datagrams.SendAsync(new byte[1], Token);
    }

    private async Task SendOnceAsync()
    {
        await (_datagrams is null ? SendDatagramAsync() : Task.CompletedTask);
        await Task.Yield();
    }
}
