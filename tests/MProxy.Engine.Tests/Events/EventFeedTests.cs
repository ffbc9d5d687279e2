using MProxy.Engine.Events;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Events;

/// <summary>What handlers are told, in which order, and what waits for them.</summary>
public sealed class EventFeedTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_handler_gets_what_came_before_it_and_the_second_does_not()
    {
        var feed = new EventFeed(this, TimeProvider.System);
        feed.Raise(EventKind.LinkUp, "a", "1");
        feed.Raise(EventKind.LinkLost, "a", "2");
        List<string> first = [], second = [];
        feed.Raised += (sender, happened) =>
        {
            Assert.Same(this, sender);
            first.Add(happened.Message);
        };
        await feed.HandedOut.WaitAsync(TimeSpan.FromSeconds(20), Token);
        feed.Raised += (_, happened) => second.Add(happened.Message);
        feed.Raise(EventKind.Stopped, "a", "3");
        await feed.HandedOut.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal(["1", "2", "3"], first);
        Assert.Equal(["3"], second);
    }

    [Fact]
    public async Task Of_those_that_wait_the_newest_thousand_are_kept()
    {
        var feed = new EventFeed(this, TimeProvider.System);
        for (var number = 0; number < 1200; number++)
        {
            feed.Raise(EventKind.LinkUp, "a", $"{number}");
        }

        List<string> got = [];
        feed.Raised += (_, happened) => got.Add(happened.Message);
        await feed.HandedOut.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal((1000, "200", "1199"), (got.Count, got[0], got[^1]));
    }

    [Fact]
    public async Task Whoever_follows_is_told_too_as_long_as_it_follows()
    {
        var (feed, follower) = (new EventFeed(this, TimeProvider.System), new EventFeed("follower", TimeProvider.System));
        Assert.False(feed.IsWatched);
        List<(object? Sender, string Message)> got = [];
        feed.AddFollower(follower);
        follower.Raised += (sender, happened) => got.Add((sender, happened.Message));
        Assert.True(feed.IsWatched);
        feed.Raise(EventKind.LinkUp, "a", "1");
        follower.Raise(EventKind.Stopped, "b", "2");
        feed.RemoveFollower(follower);
        feed.Raise(EventKind.LinkUp, "a", "3");
        await follower.HandedOut.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal([("follower", "1"), ("follower", "2")], got);
        Assert.False(feed.IsWatched);
    }

    [Fact]
    public async Task Clients_are_told_of_at_both_ends_and_of_each_first_that_it_came()
    {
        var (atRelay, atTunnel) = (new EventLog(), new EventLog());
        await using var world = await World.StartAsync(LocalService.EchoAsync);
        world.Relay.EventRaised += atRelay.Take;
        world.Tunnel.EventRaised += atTunnel.Take;
        using (var client = await world.ConnectAsync())
        {
            var id = $"IPv4,127.0.0.1,{((System.Net.IPEndPoint)client.LocalEndPoint!).Port}";
            await client.SendAsync(new byte[3], Token);
            Assert.Equal(3, await client.ReceiveAsync(new byte[3], Token));
            foreach (var log in new[] { atRelay, atTunnel })
            {
                var opened = await log.NextAsync(EventKind.ClientOpened);
                Assert.Equal((id, null), (opened.SocketId, opened.Code));
            }

            Engine.Carriers.TcpSocket.ResetOnClose(client);
        }

        Assert.EndsWith(": 3 bytes received over the link, 3 sent.", (await atRelay.NextAsync(EventKind.ClientClosed)).Message, StringComparison.Ordinal);
        Assert.NotNull((await atTunnel.NextAsync(EventKind.ClientClosed)).Code);
    }

    [Fact]
    public async Task A_tunnel_ends_with_its_own_stop_told_last()
    {
        List<(EventKind Kind, string Source)> told = [];
        await using var world = await World.StartAsync(LocalService.EchoAsync);
        world.Tunnel.EventRaised += (_, happened) => told.Add((happened.Kind, happened.Source));
        Assert.False(world.Tunnel.Ended.IsCompleted);
        await world.Tunnel.StopAsync(cancellationToken: Token);
        await world.Tunnel.Ended.WaitAsync(TimeSpan.FromSeconds(20), Token);
        await world.Tunnel.EventsHandedOut.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal((EventKind.LinkUp, $"{world.Relay.Listen[0]}"), told[0]);
        Assert.Equal([(EventKind.Stopped, $"{world.Relay.Listen[0]}"), (EventKind.Stopped, "test")], told[^2..]);
        Assert.Null(world.Tunnel.Failure);
    }
}
