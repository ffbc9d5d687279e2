using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MProxy.Engine.Access;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Datagrams;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Access;

/// <summary>What a relay notes of its clients, with real ones.</summary>
public sealed class AccessRelayTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-access");

    private string LogPath => Path.Combine(_folder.FullName, "access.log");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_client_that_ended_in_order_is_one_line()
    {
        string device;
        int port;
        int length;
        await using (var world = new FrontWorld(Logging))
        {
            var service = world.AddService(LocalService.EchoAsync);
            await world.AddDeviceAsync(service.Target, "app.example.com");
            port = world.Http;
            using var client = await TcpSocket.ConnectAsync("127.0.0.1", port, Token);
            var request = "POST / HTTP/1.1\r\nHost: App.Example.com\r\nContent-Length: 5\r\n\r\nhello";
            length = request.Length;
            await LocalService.SendAllAsync(client, Encoding.ASCII.GetBytes(request), 10);
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(length, (await LocalService.ReadAllAsync(client)).Length);
            device = Assert.Single(world.Relay.Registry.Links).Name;
            await Until.TrueAsync(() => world.Relay.ClientCount == 0 && world.Relay.Admission.Count == 0);
        }

        var line = Assert.Single(Lines());
        Assert.Equal(("front", "127.0.0.1", "http", port), (Text(line, "owner"), Text(line, "address"), Text(line, "service"), line.GetProperty("service_port").GetInt32()));
        Assert.Equal(("app.example.com", device, "end"), (Text(line, "name"), Text(line, "device"), Text(line, "end")));
        Assert.Equal((length, length), (line.GetProperty("bytes_in").GetInt32(), line.GetProperty("bytes_out").GetInt32()));
        Assert.False(line.TryGetProperty("limited_by", out _));
        Assert.StartsWith("IPv4,127.0.0.1,", Text(line, "socket_id"));
    }

    [Fact]
    public async Task Whoever_is_refused_is_noted_with_the_reason()
    {
        await using (var world = new FrontWorld(Logging))
        {
            using var client = await TcpSocket.ConnectAsync("127.0.0.1", world.Http, Token);
            await LocalService.SendAllAsync(client, "GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n"u8.ToArray(), 100);
            Assert.StartsWith("HTTP/1.1 502", Encoding.ASCII.GetString(await LocalService.ReadAllAsync(client)));
            await Until.TrueAsync(() => world.Relay.RefusedCount == 1);
        }

        var line = Assert.Single(Lines());
        Assert.Equal(("refused", "no device serves its host", "nobody.example"), (Text(line, "end"), Text(line, "reason"), Text(line, "name")));
    }

    [Fact]
    public async Task The_limits_that_struck_a_client_stand_in_its_line()
    {
        await using (var world = await DatagramWorld.StartAsync(options: options => Logging(options) with
        {
            Limits = options.Limits with { DatagramsPerSecond = 1, ClientIdleTimeout = TimeSpan.FromMilliseconds(400) },
        }))
        {
            using var datagrams = DatagramWorld.NewClient(world.Udp);
            for (var number = 0; number < 50; number++)
            {
                await datagrams.SendAsync(new byte[1], Token);
            }

            await Until.TrueAsync(() => world.Relay.LimitedBy.ContainsKey("datagrams per second"));
        }

        var line = Assert.Single(Lines());
        Assert.Equal(("udp", "datagrams per second"), (Text(line, "service"), line.GetProperty("limited_by")[0].GetString()));
    }

    [Fact]
    public async Task A_flood_of_refusals_does_not_fill_the_log()
    {
        const int Count = 3_000;
        long unlogged;
        await using (var world = await DatagramWorld.StartAsync(options: Logging))
        {
            await world.Tunnel.StopAsync(cancellationToken: Token);
            await Until.TrueAsync(() => world.Relay.LinkCount == 0);
            using var client = DatagramWorld.NewClient(world.Udp);
            for (var number = 0; number < Count; number++)
            {
                await client.SendAsync(new byte[1], Token);
                if (number % 50 == 0)
                {
                    await Until.TrueAsync(() => world.Relay.RefusedCount >= number - 50);
                }
            }

            await Until.TrueAsync(() => world.Relay.RefusedCount >= Count - 100);
            unlogged = world.Relay.UnloggedCount;
        }

        var lines = Lines().Length;
        Assert.InRange(lines, 200, Count / 2);
        Assert.True(unlogged >= Count / 3, $"{unlogged} were left out.");
    }

    [Fact]
    public async Task A_log_that_cannot_be_written_starts_no_relay()
    {
        Assert.Throws<AccessLogException>(() => RelayServer.Start(WorldOptions.Relays() with { AccessLog = new AccessLogOptions { Path = _folder.FullName } }));
        await using var relay = RelayServer.Start(WorldOptions.Relays() with { AccessLog = new AccessLogOptions { Path = LogPath } });
        Assert.Throws<AccessLogException>(() => RelayServer.Start(WorldOptions.Relays() with { AccessLog = new AccessLogOptions { Path = LogPath } }));
    }

    private RelayOptions Logging(RelayOptions options) => options with { AccessLog = new AccessLogOptions { Path = LogPath } };

    private JsonElement[] Lines() => [.. File.ReadAllLines(LogPath).Select(line => JsonDocument.Parse(line).RootElement)];

    private static string? Text(JsonElement line, string member) => line.GetProperty(member).GetString();
}
