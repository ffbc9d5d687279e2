using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>How a client that an operator looks at, suspends or stops comes to its end.</summary>
public class ConnectionEndTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_script_is_told_that_its_client_was_stopped_at_the_relay()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        var (client, connection) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        using var closing = client;
        Assert.Single(world.Relay.Connections).Stop();
        var error = (await link.ReceiveFrameAsync(Token).WaitAsync(Patience, Token))!;
        Assert.Equal((FrameKind.Error, connection.SocketId, ErrorCode.Stopped), (error.Kind, error.SocketId, error.Code));
        await MemoryWorld.IsResetAsync(client);
    }

    [Fact]
    public async Task A_scripts_client_can_be_stopped_at_its_own_end_and_its_send_does_not_wait_for_ever()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        var (client, frame) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        using var closing = client;
        var connection = Assert.Single(link.Connections);
        Assert.Equal((frame.SocketId, link.Name, link.Name), (connection.SocketId, connection.Owner, connection.Device));
        connection.Suspend();
        var sending = link.SendFrameAsync(FrameKind.Message, frame.SocketId!, new byte[3], Token);
        Assert.False(sending.IsCompleted);
        connection.Stop();
        Assert.False(await sending.WaitAsync(Patience, Token));
        Assert.Equal(ErrorCode.Stopped, (await link.ReceiveFrameAsync(Token).WaitAsync(Patience, Token))!.Code);
        await MemoryWorld.IsResetAsync(client);
    }

    [Fact]
    public async Task A_suspended_client_of_a_lost_link_is_reset()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        var (client, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        using var closing = client;
        var connection = Assert.Single(world.Relay.Connections);
        connection.Suspend();
        world.Cut();
        await MemoryWorld.IsResetAsync(client);
        await world.Events.NextAsync(EventKind.LinkLost);
        connection.Resume();
        Assert.Equal(ConnectionState.Closed, connection.State);
        Assert.Empty(world.Relay.Connections);
    }

    [Fact]
    public async Task A_suspended_client_that_has_sent_all_still_ends_in_order()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        var (client, frame) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        using var closing = client;
        var connection = Assert.Single(world.Relay.Connections);
        connection.Suspend();
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(FrameKind.End, (await link.ReceiveFrameAsync(Token).WaitAsync(Patience, Token))!.Kind);
        Assert.True(await link.SendFrameAsync(FrameKind.End, frame.SocketId!, default, Token));
        Assert.Empty(await LocalService.ReadAllAsync(client).WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task One_whose_last_bytes_are_being_delivered_is_listed_as_ending_and_can_be_stopped()
    {
        await using var world = new MemoryWorld();
        using var delivered = await DeliveredClient.StartAsync(world);
        var connection = Assert.Single(delivered.Tunnel.Connections);
        connection.Suspend();
        Assert.Equal((ConnectionState.Ending, DeliveredClient.Length), (connection.State, connection.BytesIn));
        connection.Stop();
        Assert.Equal((ConnectionState.Closed, 0), (connection.State, delivered.Link.Connection!.Waiting));
        await MemoryWorld.IsResetAsync(delivered.Local);
        Assert.Empty(delivered.Tunnel.Connections);
    }

    [Fact]
    public async Task A_service_that_has_just_accepted_a_client_sees_its_stop_as_a_reset()
    {
        await using var world = new MemoryWorld();
        using var service = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var options = new TunnelOptions { Name = "t", Service = new ServiceMap([new("tcp", LocalTarget.Parse($"{service.LocalEndPoint}"))]), Relays = [world.Options()] };
        var tunnel = world.Own(await Tunnel.StartAsync(options, world.Time, Token));

        // Now and then the stop comes before the device knows that its dial has gone through.
        for (var i = 0; i < 200; i++)
        {
            using var client = await MemoryWorld.ConnectAsync(world.Relay.TcpPort[0]);
            using var local = await service.AcceptAsync(Token);
            Assert.Single(tunnel.Connections).Stop();
            await MemoryWorld.IsResetAsync(local);
        }
    }

    [Fact]
    public async Task Its_age_is_the_time_it_was_there_however_the_clock_is_changed()
    {
        var time = new SteppedTime(MemoryWorld.Start);
        await using var world = new MemoryWorld(time: time);
        var link = await world.ConnectLinkAsync();
        var (client, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        using var closing = client;
        var connection = Assert.Single(link.Connections);
        Assert.Equal((world.Time.GetUtcNow(), TimeSpan.Zero), (connection.OpenedAt, connection.Age));
        world.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(5), connection.Age);
        time.Step(TimeSpan.FromHours(3));
        Assert.Equal(TimeSpan.FromSeconds(5), connection.Age);
        time.Step(TimeSpan.FromHours(-6));
        Assert.Equal(TimeSpan.FromSeconds(5), connection.Age);
    }
}
