using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Device;
using MProxy.Engine.ProxyProtocol;
using MProxy.Engine.Tests.Carriers;

namespace MProxy.Engine.Tests;

/// <summary>TLS that ends or begins at a device.</summary>
public sealed class ServiceTlsTests
{
    private static readonly byte[] Sent = RandomNumberGenerator.GetBytes(3_000_000);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_without_TLS_reaches_a_service_that_asks_for_it()
    {
        await using var world = await StartAsync("tls://", EchoOverTlsAsync, new ServiceTls(acceptUntrusted: true), tcpPort: true);
        Assert.Equal(Sent, await world.ExchangeAsync(Sent, 10_000));
    }

    [Fact]
    public async Task A_service_with_a_certificate_that_nobody_vouches_for_is_sent_nothing()
    {
        ConcurrentBag<byte[]> received = [];
        await using var world = await StartAsync("tls://", socket => RecordAsync(socket, received), new ServiceTls(), tcpPort: true);
        await Assert.ThrowsAnyAsync<SocketException>(() => world.ExchangeAsync("secret"u8.ToArray(), 6));
        await world.StopAsync();
        Assert.DoesNotContain(received, bytes => bytes.AsSpan().IndexOf("secret"u8) >= 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_with_TLS_is_answered_by_the_device_where_that_has_a_certificate(bool encryptsAgain)
    {
        await using var world = await StartAsync(
            encryptsAgain ? "tls://" : "", encryptsAgain ? EchoOverTlsAsync : LocalService.EchoAsync, new ServiceTls(TestCertificate.Relay, acceptUntrusted: true), tcpPort: false);
        using var socket = await TcpConnectAsync(world);
        await using var client = new TlsEnd(new NetworkStream(socket));
        await client.SecureAsync(ConnectTlsAsync);
        var writing = WriteAsync(client);
        using var received = new MemoryStream();
        var buffer = new byte[30_000];
        for (int count; (count = await client.ReadAsync(buffer, Token)) > 0;)
        {
            received.Write(buffer, 0, count);
        }

        await writing;
        Assert.False(client.WasCut);
        Assert.Equal(Sent, received.ToArray());
    }

    [Fact]
    public async Task A_client_that_breaks_off_its_handshake_reaches_nothing()
    {
        ConcurrentBag<byte[]> received = [];
        await using var world = await StartAsync("", async socket => received.Add(await LocalService.ReadAllAsync(socket)), new ServiceTls(TestCertificate.Relay), tcpPort: false);
        using (var socket = await TcpConnectAsync(world))
        {
            await using var client = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, _, _, _) => false);
            await Assert.ThrowsAnyAsync<Exception>(() => client.AuthenticateAsClientAsync("www.example.com"));
        }

        await world.StopAsync();
        Assert.All(received, Assert.Empty);
    }

    [Fact]
    public async Task A_service_is_told_who_its_client_is_before_the_handshake()
    {
        var told = new TaskCompletionSource<string>();
        await using var world = await StartAsync("tls://", ServeAsync, new ServiceTls(acceptUntrusted: true), tcpPort: true, ProxyProtocolVersion.V1);
        Assert.Equal([1, 2, 3], await world.ExchangeAsync([1, 2, 3], 3));
        Assert.Matches("^PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 [0-9]+ [0-9]+\r\n$", await told.Task.WaitAsync(TimeSpan.FromSeconds(20), Token));

        async Task ServeAsync(Socket socket)
        {
            var line = "";
            for (var next = new byte[1]; !line.EndsWith('\n') && await socket.ReceiveAsync(next, Token) > 0;)
            {
                line += (char)next[0];
            }

            told.SetResult(line);
            await EchoOverTlsAsync(socket);
        }
    }

    [Fact]
    public async Task A_service_that_cannot_be_trusted_is_told_of_once()
    {
        Sessions.EventLog events = new();
        await using var world = await StartAsync("tls://", socket => RecordAsync(socket, []), new ServiceTls(), tcpPort: true);
        world.Tunnel.EventRaised += events.Take;
        await Assert.ThrowsAnyAsync<SocketException>(() => world.ExchangeAsync([1], 1));
        await Assert.ThrowsAnyAsync<SocketException>(() => world.ExchangeAsync([1], 1));
        Assert.Contains("certificate is not trusted", (await events.NextAsync(EventKind.ServiceFailed)).Message, StringComparison.Ordinal);
        await world.StopAsync();
        Assert.Equal(0, events.Count(EventKind.ServiceFailed));
    }

    [Fact]
    public async Task A_link_that_was_there_before_the_tunnel_holds_nothing_of_a_client_that_is_over()
    {
        await using var world = await StartAsync("", EchoOverTlsAsync, new ServiceTls(acceptUntrusted: true), tcpPort: true);
        await world.Tunnel.DisposeAsync();
        await Until.TrueAsync(() => world.Relay.LinkCount == 0);
        await using var link = await DeviceLink.ConnectAsync(WorldOptions.Links(world.Relay.Listen[0]), cancellationToken: Token);
        var before = link.Ledger.Open;
        var options = new TunnelOptions
        {
            Name = "session",
            Links = [link],
            Service = new ServiceMap([new("tcp", LocalTarget.Parse($"tls://{world.Target}"))]),
            Tls = new ServiceTls(acceptUntrusted: true),
        };
        await using var tunnel = await Tunnel.StartAsync(options, cancellationToken: Token);
        Assert.Equal(Sent, await world.ExchangeAsync(Sent, 10_000));
        await link.Connection!.WhenIdleAsync().WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal(before, link.Ledger.Open);
    }

    [Fact]
    public async Task A_service_that_is_cut_is_no_end_in_order_for_a_client()
    {
        await using var world = await StartAsync("tls://", CutAsync, new ServiceTls(TestCertificate.Relay, acceptUntrusted: true), tcpPort: true);
        await Assert.ThrowsAnyAsync<SocketException>(() => world.ExchangeAsync([1], 1));

        static async Task CutAsync(Socket socket)
        {
            await using var secure = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false);
            await secure.AuthenticateAsServerAsync(TestCertificate.Relay);
            await secure.WriteAsync("half an ans"u8.ToArray(), Token);
            socket.Shutdown(SocketShutdown.Send);
        }
    }

    [Fact]
    public async Task A_client_that_is_cut_is_no_end_in_order_for_a_service()
    {
        var end = new TaskCompletionSource<Exception?>();
        await using var world = await StartAsync("", ServeAsync, new ServiceTls(TestCertificate.Relay), tcpPort: false);
        using var socket = await TcpConnectAsync(world);
        await using var client = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate!.Equals(TestCertificate.Relay));
        await client.AuthenticateAsClientAsync("www.example.com");
        await client.WriteAsync("half a request"u8.ToArray(), Token);
        socket.Shutdown(SocketShutdown.Send);
        Assert.IsType<SocketException>(await end.Task.WaitAsync(TimeSpan.FromSeconds(20), Token));

        async Task ServeAsync(Socket local)
        {
            try
            {
                await LocalService.ReadAllAsync(local);
                end.SetResult(null);
            }
            catch (SocketException error)
            {
                end.SetResult(error);
            }
        }
    }

    [Fact]
    public async Task A_client_that_reads_nothing_is_over_when_its_service_is()
    {
        await using var world = await StartAsync("tls://", FloodAsync, new ServiceTls(acceptUntrusted: true), tcpPort: true);
        using var client = await world.ConnectAsync();

        // Nobody reads: the flood stops at the marks, and the service is cut in the middle of it. That is noticed by what is sent to it.
        await Assert.ThrowsAnyAsync<SocketException>(() => LocalService.FloodAsync(client).WaitAsync(TimeSpan.FromSeconds(20), Token));
        await world.Relay.Registry.Links[0].Connection.WhenIdleAsync().WaitAsync(TimeSpan.FromSeconds(20), Token);

        static async Task FloodAsync(Socket socket)
        {
            await using var secure = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false);
            await secure.AuthenticateAsServerAsync(TestCertificate.Relay);
            var bytes = new byte[64 << 10];
            using var full = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            try
            {
                for (; ; )
                {
                    await secure.WriteAsync(bytes, full.Token);
                }
            }
            catch (OperationCanceledException)
            {
                socket.LingerState = new LingerOption(enable: true, 0);
            }
        }
    }

    private static Task<World> StartAsync(
        string scheme, Func<Socket, Task> serve, ServiceTls tls, bool tcpPort, ProxyProtocolVersion proxyProtocol = ProxyProtocolVersion.None) => World.StartAsync(
        serve,
        new WorldOptions
        {
            Service = tcpPort ? "tcp" : "tls",
            Relay = options => tcpPort ? options : options with { TcpPort = [], TlsPort = [0] },
            Target = target => $"{scheme}{target}",
            Tunnel = options => options with { Tls = tls, ProxyProtocol = proxyProtocol },
        });

    private static Task<Socket> TcpConnectAsync(World world) => Engine.Carriers.TcpSocket.ConnectAsync("127.0.0.1", world.Relay.TlsPort[0], Token);

    private static async Task WriteAsync(TlsEnd client)
    {
        await client.WriteAsync(Sent, Token);
        await client.SayEndAsync(Token);
    }

    private static async Task<SslStream> ConnectTlsAsync(Stream below)
    {
        var secure = new SslStream(below, leaveInnerStreamOpen: true, (_, certificate, _, _) => certificate!.Equals(TestCertificate.Relay));
        await secure.AuthenticateAsClientAsync("www.example.com");
        return secure;
    }

    private static async Task EchoOverTlsAsync(Socket socket)
    {
        await using var secure = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false);
        await secure.AuthenticateAsServerAsync(TestCertificate.Relay);
        await secure.CopyToAsync(secure, Token);
        await secure.ShutdownAsync();
    }

    private static async Task RecordAsync(Socket socket, ConcurrentBag<byte[]> received)
    {
        try
        {
            await using var secure = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false);
            await secure.AuthenticateAsServerAsync(TestCertificate.Relay);
            using var all = new MemoryStream();
            await secure.CopyToAsync(all, Token);
            received.Add(all.ToArray());
        }
        catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException)
        {
        }
    }
}
