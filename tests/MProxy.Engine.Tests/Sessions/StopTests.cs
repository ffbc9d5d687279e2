using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>A stop ends, whatever comes at the same moment and whatever does not end by itself.</summary>
public class StopTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_comes_while_a_drain_begins_is_refused_and_the_drain_goes_on()
    {
        using var peer = new RawPeer();
        using var clock = new HeldClock();
        var connecting = DeviceLink.ConnectAsync(new DeviceLinkOptions { Dialer = _ => Task.FromResult(peer.ToCarrier(clock)) }, clock, Token);
        await peer.GreetAsync();
        await using var link = await connecting;
        link.EventRaised += (_, _) => { };
        var receiving = link.ReceiveFrameAsync(Token);

        // The drain is held at the moment that it is about to be told of.
        clock.Hold();
        var stopping = link.StopAsync(TimeSpan.FromSeconds(30), Token);
        await clock.Reached.WaitAsync(TimeSpan.FromSeconds(20), Token);
        try
        {
            await peer.SendAsync(FrameKind.Connection, Meta(1));
            await peer.AcceptAsync(",\"drain\"]");
            var told = await peer.ReadAsync();
            if (told?.Contains("\"ping\"", StringComparison.Ordinal) == true)
            {
                // The link had no client until then, and its end is being made sure of.
                told = await peer.ReadAsync();
            }

            Assert.Contains(ErrorCode.NoService, told, StringComparison.Ordinal);
        }
        finally
        {
            clock.Release();
        }

        await stopping.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Null(await receiving);
    }

    [Fact]
    public async Task A_stop_in_a_flood_of_clients_ends()
    {
        for (var i = 0; i < 10; i++)
        {
            using var peer = new RawPeer();
            await using var world = new MemoryWorld();
            var link = await world.ConnectLinkAsync(peer);
            var receiving = link.ReceiveFrameAsync(Token);
            var flooding = FloodAsync(peer);
            Assert.NotNull(await receiving);
            var stopping = link.StopAsync(Patience, Token);
            await link.StopAsync(cancellationToken: Token).WaitAsync(TimeSpan.FromSeconds(20), Token);
            await stopping;
            await flooding.WaitAsync(TimeSpan.FromSeconds(20), Token);
        }
    }

    [Fact]
    public async Task A_stream_whose_read_never_ends_is_left_alone_after_a_moment()
    {
        using var peer = new RawPeer();
        var connecting = DeviceLink.ConnectAsync(new DeviceLinkOptions { Stream = new DeafStream(peer.Other) }, cancellationToken: Token);
        await peer.GreetAsync();
        var link = await connecting;
        await link.StopAsync(cancellationToken: Token).WaitAsync(TimeSpan.FromSeconds(10), Token);
        Assert.Equal(LinkState.Stopped, link.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whoever_waits_for_a_links_clients_to_finish_is_done_when_it_is_lost(bool before)
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync(peer);
        EventLog events = new();
        link.EventRaised += events.Take;
        var receiving = link.ReceiveFrameAsync(Token);
        await peer.SendAsync(FrameKind.Connection, Meta(1));
        await receiving;
        var connection = link.Connection!;
        var early = before ? connection.WhenIdleAsync() : Task.CompletedTask;
        Assert.NotEqual(before, early.IsCompleted);
        peer.Dispose();
        await early.WaitAsync(TimeSpan.FromSeconds(20), Token);
        await events.NextAsync(EventKind.LinkLost);
        await connection.WhenIdleAsync().WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    [Fact]
    public async Task A_client_that_has_ended_and_is_still_being_delivered_ends_with_its_tunnel()
    {
        await using var world = new MemoryWorld();
        using var delivered = await DeliveredClient.StartAsync(world);
        Assert.Equal(1, delivered.Link.Ledger.Open);
        await delivered.Tunnel.StopAsync(cancellationToken: Token);
        await MemoryWorld.IsResetAsync(delivered.Local);
        await delivered.Link.Connection!.WhenIdleAsync().WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal((0, 0), (delivered.Link.Ledger.Open, delivered.Link.Connection!.Waiting));
    }

    private static FrameMeta Meta(int port) => new() { Family = "IPv4", Address = "192.0.2.1", Port = port, Service = "tcp", ServicePort = 80 };

    private static async Task FloodAsync(RawPeer peer)
    {
        try
        {
            for (var port = 1; port < 60_000; port++)
            {
                await peer.SendAsync(FrameKind.Connection, Meta(port));
            }
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or ObjectDisposedException)
        {
            // The device is gone, which is what the flood is for.
        }
    }

    /// <summary>A clock that keeps whoever asks it for the date, once.</summary>
    private sealed class HeldClock : TimeProvider, IDisposable
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _released = new();
        private int _holds;

        public Task Reached => _reached.Task;

        public void Hold() => Volatile.Write(ref _holds, 1);

        public void Release() => _released.Set();

        public override DateTimeOffset GetUtcNow()
        {
            if (Interlocked.Exchange(ref _holds, 0) == 1)
            {
                _reached.TrySetResult();
                _released.Wait(Patience);
            }

            return base.GetUtcNow();
        }

        public void Dispose() => _released.Dispose();
    }
}
