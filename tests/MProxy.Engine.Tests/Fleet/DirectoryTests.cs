using MProxy.Engine.Fleet;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>Both kinds of directory do the same: one in memory, and one on a real Redis.</summary>
public sealed class DirectoryTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_relay_that_joins_is_seen_and_keeps_its_generation(bool isRedis)
    {
        await using var world = await DirectoryWorld.StartAsync(isRedis);
        var (one, other) = (world.Open(), world.Open());
        var first = await one.Directory.BeatAsync(new FleetNode { Name = "r1", Peer = "tls://a:1", Version = "1", Links = 3, Clients = 4 }, Lease, Token);
        Assert.Equal(FleetStanding.New, first.Standing);
        Assert.True(first.Generation > 0);
        var again = await one.Directory.BeatAsync(new FleetNode { Name = "r1", Generation = first.Generation, Links = 5 }, Lease, Token);
        Assert.Equal((FleetStanding.Known, first.Generation), (again.Standing, again.Generation));
        var seen = await other.Directory.BeatAsync(new FleetNode { Name = "r2" }, Lease, Token);
        var node = Assert.Single(seen.Nodes, entry => entry.Node.Name == "r1");
        Assert.Equal((5, first.Generation), (node.Node.Links, node.Node.Generation));
        Assert.InRange(node.LeaseLeft, TimeSpan.FromSeconds(20), Lease);
        Assert.True(seen.Generation > first.Generation);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_later_relay_of_the_same_name_is_the_one_that_counts(bool isRedis)
    {
        await using var world = await DirectoryWorld.StartAsync(isRedis);
        var (one, other) = (world.Open(), world.Open());
        var old = (await one.Directory.BeatAsync(new FleetNode { Name = "r1" }, Lease, Token)).Generation;
        var late = (await other.Directory.BeatAsync(new FleetNode { Name = "r1" }, Lease, Token)).Generation;
        Assert.True(late > old);
        Assert.Equal(FleetStanding.Superseded, (await one.Directory.BeatAsync(new FleetNode { Name = "r1", Generation = old }, Lease, Token)).Standing);
        Assert.True(await other.Directory.PutAsync("n:x", new FleetRoute("r1", late, 1, 0), Token));
        Assert.False(await one.Directory.PutAsync("n:x", new FleetRoute("r1", old, 0, 0), Token));
        Assert.Equal([new FleetRoute("r1", late, 1, 0)], await one.Directory.FindAsync("n:x", Token));

        // Nor does its leaving take the other out.
        await one.Directory.LeaveAsync(new FleetNode { Name = "r1", Generation = old }, Token);
        Assert.Equal(FleetStanding.Known, (await other.Directory.BeatAsync(new FleetNode { Name = "r1", Generation = late }, Lease, Token)).Standing);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_watches_hears_of_those_that_come_and_go_and_of_no_other_key(bool isRedis)
    {
        await using var world = await DirectoryWorld.StartAsync(isRedis);
        var (one, other) = (world.Open(), world.Open());
        await other.Directory.WatchAsync("n:x", Token);
        await one.Directory.PutAsync("n:y", new FleetRoute("r1", 1, 1, 0), Token);
        await one.Directory.PutAsync("n:x", new FleetRoute("r1", 1, 1, 0), Token);
        Assert.Equal("n:x", await other.Changes.Reader.ReadAsync(Token));

        // Another number is no news.
        await one.Directory.PutAsync("n:x", new FleetRoute("r1", 1, 2, 7), Token);
        Assert.Equal([new FleetRoute("r1", 1, 2, 7)], await other.Directory.FindAsync("n:x", Token));
        await one.Directory.PutAsync("n:x", new FleetRoute("r1", 1, 0, 0), Token);
        Assert.Equal("n:x", await other.Changes.Reader.ReadAsync(Token));
        Assert.Empty(await other.Directory.FindAsync("n:x", Token));
        await other.Directory.UnwatchAsync("n:x");
        await one.Directory.PutAsync("n:x", new FleetRoute("r1", 1, 1, 0), Token);
        await other.Directory.WatchAsync("n:z", Token);
        await one.Directory.PutAsync("n:z", new FleetRoute("r1", 1, 1, 0), Token);
        Assert.Equal("n:z", await other.Changes.Reader.ReadAsync(Token));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Links_of_one_session_stand_together_and_a_later_session_takes_over(bool isRedis)
    {
        await using var world = await DirectoryWorld.StartAsync(isRedis);
        var (one, other) = (world.Open(), world.Open());
        await one.Directory.BeatAsync(new FleetNode { Name = "r1" }, Lease, Token);
        await other.Directory.BeatAsync(new FleetNode { Name = "r2" }, Lease, Token);
        var first = await one.Directory.ClaimAsync(new DeviceClaim("d 1", "s1", 0), "r1", Token);
        Assert.Equal("s1", first.Session);
        Assert.True(first.Generation > 0);
        Assert.Equal(first, await other.Directory.ClaimAsync(new DeviceClaim("d 1", "s1", 0), "r2", Token));
        Assert.Equal(first, await one.Claims.Reader.ReadAsync(Token));
        var later = await other.Directory.ClaimAsync(new DeviceClaim("d 1", "s2", 0), "r2", Token);
        Assert.Equal("s2", later.Session);
        Assert.True(later.Generation > first.Generation);
        Assert.Equal(later, await one.Claims.Reader.ReadAsync(Token));

        // Who had it before, and did not hear of that, does not take it back.
        Assert.Equal(later, await one.Directory.ClaimAsync(first, "r1", Token));
        Assert.Equal(later, await other.Directory.ClaimAsync(later, "r2", Token));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_refused_is_refused_everywhere_until_it_is_taken_back(bool isRedis)
    {
        await using var world = await DirectoryWorld.StartAsync(isRedis);
        var (one, other) = (world.Open(), world.Open());
        var node = new FleetNode { Name = "r2" };
        var before = (await other.Directory.BeatAsync(node, Lease, Token)).RevokedVersion;
        await one.Directory.RevokeAsync(["a b", "c"], [], Token);
        var after = (await other.Directory.BeatAsync(node, Lease, Token)).RevokedVersion;
        Assert.NotEqual(before, after);
        Assert.Equal(["a b", "c"], (await other.Directory.GetRevokedAsync(Token)).Order());
        await other.Directory.RevokeAsync(["d"], ["a b"], Token);
        Assert.Equal(["c", "d"], (await one.Directory.GetRevokedAsync(Token)).Order());
        Assert.NotEqual(after, (await other.Directory.BeatAsync(node, Lease, Token)).RevokedVersion);
    }
}
