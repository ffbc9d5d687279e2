using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.ProxyProtocol;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Reload;

/// <summary>What a tunnel does with clients changes while it has some: those go on as they came.</summary>
public class TunnelChangeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task New_clients_go_where_the_new_map_says_and_running_ones_stay_where_they_are()
    {
        await using var world = new FrontWorld();
        var (one, two) = (world.AddService(Says("1")), world.AddService(Says("2")));
        var tunnel = await world.AddDeviceAsync(one.Target, [], [world.Tcp]);
        using var running = await FrontClient.ConnectAsync(world.Tcp);
        await AnswersAsync(running, "1");
        await ChangeAsync(tunnel, options => options with { Service = Map("*", two.Target) });
        Assert.Equal([$"*={two.Target}"], tunnel.Service);
        using var later = await FrontClient.ConnectAsync(world.Tcp);
        await AnswersAsync(later, "2");
        await AnswersAsync(running, "1");

        // Gone from the map are both now, but not for those who are there.
        await ChangeAsync(tunnel, options => options with { Service = Map("ssh", one.Target) });
        await MemoryWorld.IsResetAsync(world.Tcp);
        await AnswersAsync(later, "2");
        await AnswersAsync(running, "1");
        Assert.Equal((1, 1), (one.ClientCount, two.ClientCount));
    }

    [Fact]
    public async Task A_service_that_failed_is_told_of_anew_when_it_comes_back_to_the_map()
    {
        await using var world = new FrontWorld();
        var events = new EventLog();
        var closed = $"127.0.0.1:{FreePort.Take()}";
        var tunnel = await world.AddDeviceAsync(closed, [], [world.Tcp]);
        tunnel.EventRaised += events.Take;
        for (var i = 0; i < 2; i++)
        {
            await MemoryWorld.IsResetAsync(world.Tcp);
            await events.NextAsync(EventKind.ServiceFailed);
            await ChangeAsync(tunnel, options => options with { Service = Map("*", "127.0.0.1:9") });
            await ChangeAsync(tunnel, options => options with { Service = Map("*", closed) });
        }
    }

    [Fact]
    public async Task Local_services_are_dialled_from_the_new_address_and_told_of_clients_in_the_new_way()
    {
        await using var world = new FrontWorld();
        var seen = System.Threading.Channels.Channel.CreateUnbounded<string>();
        var service = world.AddService(async socket =>
        {
            var first = new byte[5];
            await LocalService.ReadExactlyAsync(socket, first);
            seen.Writer.TryWrite($"{((IPEndPoint)socket.RemoteEndPoint!).Address} {System.Text.Encoding.Latin1.GetString(first)}");

            // An end with bytes unread would reset the client, which may not know yet that it was accepted.
            await LocalService.ReadAllAsync(socket);
        });
        var tunnel = await world.AddDeviceAsync(service.Target, [], [world.Tcp]);
        Assert.Equal("127.0.0.1 hello", await SeenAsync());
        await ChangeAsync(tunnel, options => options with { SourceAddress = IPAddress.Parse("127.0.0.9"), ProxyProtocol = ProxyProtocolVersion.V1 });
        Assert.Equal("127.0.0.9 PROXY", await SeenAsync());
        await ChangeAsync(tunnel, options => options with { SourceAddress = null, ProxyProtocol = ProxyProtocolVersion.None });
        Assert.Equal("127.0.0.1 hello", await SeenAsync());

        async Task<string> SeenAsync()
        {
            using var client = await FrontClient.ConnectAsync(world.Tcp);
            await client.SendAsync("hello");
            return await seen.Reader.ReadAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
        }
    }

    [Fact]
    public async Task A_certificate_for_clients_is_exchanged_and_who_has_seen_the_old_one_stays()
    {
        using var old = TestCertificate.SelfSigned("old");
        using var renewed = TestCertificate.SelfSigned("renewed");
        await using var world = new FrontWorld();
        var service = world.AddService(LocalService.EchoAsync);
        var tunnel = await world.AddDeviceAsync(service.Target, ["a.test"], [], options => options with { Tls = new ServiceTls(old) });
        await using var running = await SecureAsync(world.Tls, old);
        await EchoesAsync(running);
        await ChangeAsync(tunnel, options => options with { Tls = options.Tls.WithCertificate(renewed, null) });
        await using var later = await SecureAsync(world.Tls, renewed);
        await EchoesAsync(later);
        await EchoesAsync(running);
    }

    [Fact]
    public async Task A_service_is_waited_for_as_long_as_is_said_now()
    {
        // It accepts, and takes what it is greeted with for as long as nobody cuts it off.
        var time = new ManualTime();
        var greeted = new TaskCompletionSource();
        await using var relay = RelayServer.Start(WorldOptions.Relays());
        await using var service = new FrontService(async socket =>
        {
            await LocalService.ReadExactlyAsync(socket, new byte[1]);
            greeted.TrySetResult();
            await LocalService.ReadAllAsync(socket);
        });
        await using var tunnel = await Tunnel.StartAsync(WorldOptions.Tunnels(relay.Listen[0].Port, "tcp", $"tls://{service.Target}") with { DialTimeout = TimeSpan.FromMinutes(5) }, time, Token);
        await ChangeAsync(tunnel, options => options with { DialTimeout = TimeSpan.FromSeconds(3) });
        using var client = await FrontClient.ConnectAsync(relay.TcpPort[0]);

        // The time of the dial is over then, and that of the handshake runs.
        await greeted.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);
        await time.TimersAsync(TimeSpan.FromSeconds(3));
        time.Advance(TimeSpan.FromSeconds(3));
        await client.IsResetAsync();
    }

    [Theory]
    [InlineData("SourceAddress is ::1")]
    [InlineData("SourceAddress is 192.0.2.1, which is no address of this machine")]
    [InlineData("DialTimeout is more than 0")]
    public async Task What_no_tunnel_can_work_with_is_refused_whole(string reason)
    {
        await using var world = new FrontWorld();
        var service = world.AddService(LocalService.EchoAsync);
        var tunnel = await world.AddDeviceAsync(service.Target, [], [world.Tcp]);
        var error = await Assert.ThrowsAsync<ArgumentException>(() => tunnel.ChangeAsync(
            options => options with
            {
                Service = Map("*", "127.0.0.1:9"),
                SourceAddress = reason[0] == 'S' ? IPAddress.Parse(reason.Split(' ', ',')[2]) : null,
                DialTimeout = TimeSpan.FromSeconds(reason[0] == 'D' ? 0 : 1),
            },
            Token));
        Assert.StartsWith(reason, error.Message, StringComparison.Ordinal);
        Assert.Equal([$"*={service.Target}"], tunnel.Service);
        using var client = await FrontClient.ConnectAsync(world.Tcp);
        await client.SendAsync("x");
        Assert.Equal("x", await client.ReadTextAsync(1));
    }

    [Fact]
    public async Task What_has_stopped_cannot_change()
    {
        await using var world = new FrontWorld();
        var tunnel = await world.AddDeviceAsync("127.0.0.1:9", [], [world.Tcp]);
        await tunnel.StopAsync(cancellationToken: Token);
        Assert.Contains("has stopped", (await Assert.ThrowsAsync<InvalidOperationException>(() => tunnel.ChangeAsync(options => options, Token))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_changes_under_load_lose_nobody()
    {
        await using var world = new FrontWorld();
        var service = world.AddService(LocalService.EchoAsync);
        var tunnel = await world.AddDeviceAsync(service.Target, [], [world.Tcp]);
        using var transfers = await RunningTransfers.StartAsync(world.Tcp, 4, 12 << 20);
        var changing = Task.Run(
            async () =>
            {
                for (var i = 0; i < 1_000; i++)
                {
                    await tunnel.ChangeAsync(
                        options => options with
                        {
                            Service = i % 2 == 0 ? Map("tcp", service.Target) : Map("*", service.Target),
                            DialTimeout = TimeSpan.FromSeconds(10 + (i % 3)),
                            SourceAddress = i % 2 == 0 ? IPAddress.Loopback : null,
                        },
                        Token);
                }
            },
            Token);
        do
        {
            using var client = await FrontClient.ConnectAsync(world.Tcp);
            await client.SendAsync("x");
            Assert.Equal("x", await client.ReadTextAsync(1));
        }
        while (!changing.IsCompleted);
        await changing;
        await transfers.FinishAsync();
        Assert.Equal(0, world.Relay.RefusedCount);
    }

    private static Task ChangeAsync(Tunnel tunnel, Func<TunnelOptions, TunnelOptions> change) => tunnel.ChangeAsync(change, Token);

    private static ServiceMap Map(string key, string target) => new([new(key, LocalTarget.Parse(target))]);

    private static Func<Socket, Task> Says(string word) => async socket =>
    {
        var asked = new byte[1];
        while (await socket.ReceiveAsync(asked, Token) > 0)
        {
            await socket.SendAsync(System.Text.Encoding.Latin1.GetBytes(word), Token);
        }
    };

    private static async Task AnswersAsync(FrontClient client, string word)
    {
        await client.SendAsync("?");
        Assert.Equal(word, await client.ReadTextAsync(1));
    }

    private static async Task<SslStream> SecureAsync(int port, X509Certificate2 expected)
    {
        var socket = await TcpSocket.ConnectAsync("127.0.0.1", port, Token);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true), false, (_, shown, _, _) => CertificatePins.Sha256(shown!) == CertificatePins.Sha256(expected));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "a.test" }, Token);
        return stream;
    }

    private static async Task EchoesAsync(SslStream stream)
    {
        await stream.WriteAsync("echo"u8.ToArray(), Token);
        var answer = new byte[4];
        await stream.ReadExactlyAsync(answer, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal("echo"u8.ToArray(), answer);
    }
}
