using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests;

/// <summary>What an operator sees of the clients on a link, and does with them, on real loopback sockets.</summary>
public class ConnectionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Both_ends_list_a_client_alike()
    {
        await using var world = await World.StartAsync(LocalService.EchoAsync);
        using var first = await ConnectAsync(world);
        using var second = await ConnectAsync(world);
        var atRelay = world.Relay.Connections;
        var atTunnel = world.Tunnel.Connections;
        Assert.Equal([IdOf(first), IdOf(second)], atRelay.Select(one => one.SocketId));
        Assert.Equal([IdOf(first), IdOf(second)], atTunnel.Select(one => one.SocketId));
        Assert.All([atRelay, atTunnel, world.Tunnel.Links[0].Connections], list => Assert.IsType<ClientConnection[]>(list));
        await LocalService.SendAllAsync(second, new byte[1000], 1000);
        await LocalService.ReadExactlyAsync(second, new byte[1000]);
        foreach (var one in new[] { atRelay[1], atTunnel[1] })
        {
            Assert.Equal(("tcp", world.Relay.TcpPort[0], "", "127.0.0.1"), (one.Service, one.ServicePort, one.Name, one.Address));
            Assert.Equal((1001, 1001, ConnectionState.Open), (one.BytesIn, one.BytesOut, one.State));
        }

        Assert.Equal(1, atRelay[0].BytesOut);
        Assert.Equal(("test", "test"), (atRelay[0].Owner, atTunnel[0].Owner));
        Assert.Equal((world.Relay.Registry.Links[0].Name, world.Tunnel.Links[0].Name), (atRelay[0].Device, atTunnel[0].Device));
        await world.StopAsync();
        Assert.Equal([ConnectionState.Closed, ConnectionState.Closed], new[] { atRelay[1].State, atTunnel[1].State });
        Assert.IsType<ClientConnection[]>(world.Tunnel.Connections);
        Assert.Empty(world.Relay.Connections.Concat(world.Tunnel.Connections));
    }

    [Fact]
    public async Task What_the_client_sends_is_in_and_what_it_gets_is_out_at_both_ends()
    {
        await using var world = await World.StartAsync(local => LocalService.SendOnRequestAsync(local, new byte[5000]));
        using var client = await world.ConnectAsync();
        await client.SendAsync(new byte[1], Token);
        await LocalService.ReadExactlyAsync(client, new byte[5000]);
        var ends = new[] { Assert.Single(world.Relay.Connections), Assert.Single(world.Tunnel.Connections) };
        Assert.All(ends, one => Assert.Equal((1, 5000), (one.BytesIn, one.BytesOut)));
    }

    [Fact]
    public async Task What_waits_for_a_service_that_begins_to_read_late_reaches_it_once_and_in_order()
    {
        var sent = RandomNumberGenerator.GetBytes(24 << 20);
        var mayRead = new TaskCompletionSource();
        var received = new TaskCompletionSource<byte[]>();
        await using var world = await World.StartAsync(async local =>
        {
            await mayRead.Task;
            received.SetResult(await LocalService.ReadAllAsync(local));
        });
        using var client = await world.ConnectAsync();
        var sending = SendAsync(client, sent, Task.CompletedTask);
        await Until.TrueAsync(() => world.Tunnel.Connections is [{ State: ConnectionState.Paused }]);
        mayRead.SetResult();
        await sending.WaitAsync(Patience, Token);
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await received.Task.WaitAsync(Patience, Token)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_suspended_client_stands_still_both_ways_and_has_lost_nothing_when_it_is_resumed(bool atRelay)
    {
        var sent = RandomNumberGenerator.GetBytes(48 << 20);
        await using var world = await World.StartAsync(LocalService.EchoAsync);
        using var client = await ConnectAsync(world);
        var connection = End(world, atRelay);
        var link = atRelay ? world.Relay.Registry.Links[0].Connection : world.Tunnel.Links[0].Connection!;
        var reading = LocalService.ReadAllAsync(client);
        var isSuspended = new TaskCompletionSource();
        var sending = SendAsync(client, sent, isSuspended.Task);
        await Until.TrueAsync(() => connection.BytesOut >= 1 << 20);

        connection.Suspend();
        isSuspended.SetResult();
        Assert.Equal(ConnectionState.Suspended, connection.State);

        // What the peer had sent before it read of the pause is here when it answers what came behind that.
        Assert.True((await link.RequestAsync("ping")).Success);
        var moved = (connection.BytesIn, connection.BytesOut);
        for (var i = 0; i < 50; i++)
        {
            Assert.True((await link.RequestAsync("ping")).Success);
        }

        Assert.Equal(moved, (connection.BytesIn, connection.BytesOut));
        Assert.InRange(moved.BytesOut, 1 << 20, sent.Length - 1);
        Assert.Equal(ConnectionState.Paused, End(world, !atRelay).State);

        // Another client is not held up by it.
        Assert.Equal([5], await world.ExchangeAsync([5], 1));
        connection.Resume();
        await sending.WaitAsync(Patience, Token);
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await reading.WaitAsync(Patience, Token)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stopped_client_is_reset_at_both_ends(bool atRelay)
    {
        var atService = new TaskCompletionSource<Exception?>();
        await using var world = await World.StartAsync(async local =>
        {
            atService.TrySetResult(await Record.ExceptionAsync(() => LocalService.EchoAsync(local)));
        });
        using var client = await ConnectAsync(world);
        var (near, far) = (End(world, atRelay), End(world, !atRelay));
        near.Suspend();
        near.Stop();
        Assert.Equal(ConnectionState.Closed, near.State);
        await Sessions.MemoryWorld.IsResetAsync(client);
        Assert.IsType<SocketException>(await atService.Task.WaitAsync(Patience, Token));
        Assert.Equal(ConnectionState.Closed, far.State);

        // That it is over already is no error.
        near.Stop();
        near.Suspend();
        near.Resume();
        far.Stop();
        Assert.Equal(ConnectionState.Closed, near.State);
        Assert.Equal([5], await world.ExchangeAsync([5], 1));
    }

    [Fact]
    public async Task One_that_has_ended_one_way_is_ending_and_one_that_is_not_read_is_paused()
    {
        await using var world = await World.StartAsync(LocalService.FloodAsync);
        using var client = await world.ConnectAsync();
        await IsInAsync(world.Relay, ConnectionState.Paused);
        await IsInAsync(world.Tunnel, ConnectionState.Paused);
        client.Shutdown(SocketShutdown.Send);
        await IsInAsync(world.Relay, ConnectionState.Ending);
        await IsInAsync(world.Tunnel, ConnectionState.Ending);
        var connection = Assert.Single(world.Tunnel.Connections);
        connection.Suspend();
        Assert.Equal(ConnectionState.Suspended, connection.State);
        connection.Resume();
        Assert.Equal(ConnectionState.Ending, connection.State);
        client.Dispose();
        await Until.TrueAsync(() => connection.State == ConnectionState.Closed);
    }

    private static ClientConnection End(World world, bool atRelay) => (atRelay ? world.Relay.Connections : world.Tunnel.Connections)[0];

    private static string IdOf(Socket client) => ClientIdentity.ToSocketId((IPEndPoint)client.LocalEndPoint!);

    private static Task IsInAsync(Relay.RelayServer relay, ConnectionState state) => IsInAsync(() => relay.Connections, state);

    private static Task IsInAsync(Device.Tunnel tunnel, ConnectionState state) => IsInAsync(() => tunnel.Connections, state);

    private static async Task IsInAsync(Func<IReadOnlyList<ClientConnection>> list, ConnectionState state)
    {
        await Until.TrueAsync(() => list() is [var one] && one.State == state);
    }

    /// <summary>Half of the bytes at once, and the rest when the test has come as far, however late it was at looking.</summary>
    private static async Task SendAsync(Socket client, byte[] bytes, Task rest)
    {
        var half = bytes.Length / 2;
        await LocalService.SendAllAsync(client, bytes.AsMemory(0, half), 1 << 20);
        await rest;
        await LocalService.SendAllAsync(client, bytes.AsMemory(half), 1 << 20);
        client.Shutdown(SocketShutdown.Send);
    }

    /// <summary>A client that an echo has answered, so that both ends have it.</summary>
    private static async Task<Socket> ConnectAsync(World world)
    {
        var client = await world.ConnectAsync();
        await client.SendAsync(new byte[1], Token);
        await LocalService.ReadExactlyAsync(client, new byte[1]);
        return client;
    }
}
