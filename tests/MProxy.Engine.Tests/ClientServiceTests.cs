using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests;

/// <summary>Services in the process of the tunnel, which get their clients as streams. The world asserts that nothing stays open.</summary>
public sealed class ClientServiceTests
{
    private static readonly byte[] Sent = RandomNumberGenerator.GetBytes(3_000_000);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_is_served_in_both_directions_at_once()
    {
        await using var world = await StartAsync(new Service((stream, _, stopping) => stream.CopyToAsync(stream, stopping)));
        Assert.Equal(Sent, await world.ExchangeAsync(Sent, 10_000));
    }

    [Fact]
    public async Task A_client_of_TLS_is_served_without_it_where_the_device_has_a_certificate()
    {
        ClientConnection? who = null;
        await using var world = await StartAsync(
            new Service(async (stream, client, stopping) =>
            {
                who = client;
                var question = new byte[5];
                await stream.ReadExactlyAsync(question, stopping);
                await stream.WriteAsync(question.Reverse().ToArray(), stopping);
            }),
            tls: true);
        using var socket = await TcpSocket.ConnectAsync("127.0.0.1", world.Relay.TlsPort[0], Token);
        await using var client = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate!.Equals(TestCertificate.Relay));
        await client.AuthenticateAsClientAsync("www.example.com");
        await client.WriteAsync("abcde"u8.ToArray(), Token);
        using var answer = new MemoryStream();
        await client.CopyToAsync(answer, Token);
        Assert.Equal("edcba"u8.ToArray(), answer.ToArray());
        Assert.Equal(("https", "www.example.com", $"IPv4,127.0.0.1,{((System.Net.IPEndPoint)socket.LocalEndPoint!).Port}"), (who!.Service, who.Name, who.SocketId));
    }

    [Fact]
    public async Task An_answer_arrives_whole_although_the_client_still_sends_what_nobody_reads()
    {
        await using var world = await StartAsync(new Service((stream, _, stopping) => stream.WriteAsync("bye"u8.ToArray(), stopping).AsTask()));
        Assert.Equal("bye"u8.ToArray(), await world.ExchangeAsync(Sent, 100_000));
    }

    [Fact]
    public async Task A_client_that_never_ends_behind_its_service_is_reset_in_the_end()
    {
        await using var world = new MemoryWorld();
        var options = WorldOptions.Tunnels(world.Options(), "*", "127.0.0.1:9") with
        {
            Service = new ServiceMap([new("*", LocalTarget.For(new Service((_, _, _) => Task.CompletedTask)))]),
            DialTimeout = TimeSpan.FromSeconds(7),
        };
        world.Own(await Tunnel.StartAsync(options, world.Time, Token));
        using var client = await MemoryWorld.ConnectAsync(world.Relay.TcpPort[0]);
        Assert.Equal(0, await client.ReceiveAsync(new byte[1], Token));
        await world.Time.TimersAsync(options.DialTimeout);
        world.Time.Advance(options.DialTimeout);
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            for (; ; )
            {
                await client.SendAsync(new byte[1], Token);
            }
        });
    }

    [Fact]
    public async Task A_failure_costs_its_client_alone_and_is_told_once()
    {
        var events = new EventLog();
        await using var world = await StartAsync(new Service(async (stream, _, stopping) =>
        {
            var first = new byte[1];
            await stream.ReadExactlyAsync(first, stopping);
            if (first[0] == 0)
            {
                throw new InvalidOperationException("It is zero.");
            }

            await stream.WriteAsync(first, stopping);
        }));
        world.Tunnel.EventRaised += events.Take;
        for (var i = 0; i < 2; i++)
        {
            await Assert.ThrowsAsync<SocketException>(() => world.ExchangeAsync([0], 1));
        }

        Assert.Equal([1], await world.ExchangeAsync([1], 1));
        var failed = await events.NextAsync(EventKind.ServiceFailed);
        Assert.Equal("The local service *=test has failed: It is zero. This is said once, until a client is served again.", failed.Message);
        Assert.Equal(0, events.Count(EventKind.ServiceFailed));
    }

    [Fact]
    public async Task A_client_that_is_gone_ends_its_service_wherever_that_waits()
    {
        var began = new TaskCompletionSource();
        var ended = new TaskCompletionSource<Exception>();
        await using var world = await StartAsync(new Service(async (stream, _, stopping) =>
        {
            began.SetResult();
            try
            {
                await stream.ReadExactlyAsync(new byte[1], CancellationToken.None);
            }
            catch (Exception error)
            {
                ended.SetResult(error);
                throw;
            }
        }));
        using var client = await world.ConnectAsync();
        await began.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);
        TcpSocket.ResetOnClose(client);
        client.Dispose();
        Assert.IsType<OperationCanceledException>(await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), Token), exactMatch: false);
    }

    private static Task<World> StartAsync(IClientService service, bool tls = false) => World.StartAsync(
        _ => throw new InvalidOperationException("Nobody dials."),
        new WorldOptions
        {
            Relay = options => tls ? options with { TcpPort = [], TlsPort = [0] } : options,
            Tunnel = options => options with
            {
                Service = new ServiceMap([new("*", LocalTarget.For(service))]),
                Tls = tls ? new ServiceTls(TestCertificate.Relay) : options.Tls,
            },
        });

    private sealed class Service(Func<Stream, ClientConnection, CancellationToken, Task> serve) : IClientService
    {
        public Task ServeAsync(Stream stream, ClientConnection client, CancellationToken cancellationToken) => serve(stream, client, cancellationToken);

        public override string ToString() => "test";
    }
}
