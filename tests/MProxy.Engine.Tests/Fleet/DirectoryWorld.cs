using System.Threading.Channels;
using MProxy.Engine.Fleet;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>A directory that several relays have open.</summary>
internal sealed class DirectoryWorld : IAsyncDisposable
{
    private readonly DirectoryUri _uri;
    private readonly RedisServer? _redis;
    private readonly List<Member> _members = [];

    private DirectoryWorld(DirectoryUri uri, RedisServer? redis) => (_uri, _redis) = (uri, redis);

    public static async Task<DirectoryWorld> StartAsync(bool isRedis)
    {
        var redis = isRedis ? await RedisServer.StartAsync() : null;
        return new DirectoryWorld(DirectoryUri.Parse(redis?.Uri ?? $"memory://{Guid.NewGuid():n}"), redis);
    }

    /// <summary>Opens it for one more relay.</summary>
    public Member Open()
    {
        var member = new Member();
        member.Directory = FleetLibrary.Open(_uri, member, TimeProvider.System);
        _members.Add(member);
        return member;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.Directory.DisposeAsync();
        }

        if (_redis is not null)
        {
            await _redis.DisposeAsync();
        }
    }

    /// <summary>One relay's view, with what it was told of.</summary>
    internal sealed class Member : IFleetWatcher
    {
        public IFleetDirectory Directory { get; set; } = null!;

        public Channel<string> Changes { get; } = Channel.CreateUnbounded<string>();

        public Channel<DeviceClaim> Claims { get; } = Channel.CreateUnbounded<DeviceClaim>();

        public void RouteChanged(string key) => Changes.Writer.TryWrite(key);

        public void DeviceClaimed(DeviceClaim claim) => Claims.Writer.TryWrite(claim);

        public void ChangesMissed()
        {
        }
    }
}
