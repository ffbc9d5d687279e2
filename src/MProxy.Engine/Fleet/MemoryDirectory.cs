using System.Collections.Concurrent;

namespace MProxy.Engine.Fleet;

/// <summary>A directory for the relays of one process. What relays have told stays as long as one of them is there.</summary>
internal sealed class MemoryDirectory : IFleetDirectory
{
    private static readonly ConcurrentDictionary<string, Content> Named = new(StringComparer.Ordinal);

    private readonly Content _content;
    private readonly IFleetWatcher _watcher;
    private readonly TimeProvider _time;
    private readonly HashSet<string> _watched = [];
    private string? _node;

    private MemoryDirectory(Content content, IFleetWatcher watcher, TimeProvider time)
    {
        _content = content;
        _watcher = watcher;
        _time = time;
        lock (content)
        {
            content.Members.Add(this);
        }
    }

    /// <summary>The directory of a name.</summary>
    public static MemoryDirectory Open(string name, IFleetWatcher watcher, TimeProvider time) => new(Named.GetOrAdd(name, _ => new Content()), watcher, time);

    /// <inheritdoc/>
    public Task<FleetBeat> BeatAsync(FleetNode node, TimeSpan lease, CancellationToken cancellationToken)
    {
        var now = _time.GetTimestamp();
        lock (_content)
        {
            _node = node.Name;
            var isKnown = _content.Nodes.TryGetValue(node.Name, out var known);
            var standing = node.Generation == 0 || !isKnown ? FleetStanding.New
                : known.Node.Generation > node.Generation ? FleetStanding.Superseded : FleetStanding.Known;
            var generation = node.Generation == 0 ? Math.Max(++_content.Latest, isKnown ? known.Node.Generation + 1 : 1) : node.Generation;
            if (standing != FleetStanding.Superseded)
            {
                _content.Nodes[node.Name] = (node with { Generation = generation }, now + (long)(lease.TotalSeconds * _time.TimestampFrequency));
            }

            return Task.FromResult(new FleetBeat(standing, generation, [.. _content.Nodes.Values.Select(entry => (entry.Node, _time.GetElapsedTime(now, entry.Until)))], _content.RevokedVersion));
        }
    }

    /// <inheritdoc/>
    public Task LeaveAsync(FleetNode node, CancellationToken cancellationToken)
    {
        lock (_content)
        {
            if (_content.Nodes.TryGetValue(node.Name, out var known) && known.Node.Generation == node.Generation)
            {
                _content.Nodes.Remove(node.Name);
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<bool> PutAsync(string key, FleetRoute route, CancellationToken cancellationToken)
    {
        MemoryDirectory[] told;
        lock (_content)
        {
            var routes = _content.Routes.GetValueOrDefault(key) ?? (_content.Routes[key] = []);
            var isThere = routes.TryGetValue(route.Node, out var before);
            if (before?.Generation > route.Generation)
            {
                return Task.FromResult(false);
            }

            var isGone = route is { Links: 0, LinksBelow: 0 };
            told = isThere != isGone && before?.Generation == route.Generation ? [] : [.. _content.Members.Where(member => member._watched.Contains(key))];
            if (!isGone)
            {
                routes[route.Node] = route;
            }
            else if (routes.Remove(route.Node) && routes.Count == 0)
            {
                _content.Routes.Remove(key);
            }
        }

        Array.ForEach(told, member => member._watcher.RouteChanged(key));
        return Task.FromResult(true);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<FleetRoute>> FindAsync(string key, CancellationToken cancellationToken)
    {
        lock (_content)
        {
            return Task.FromResult<IReadOnlyList<FleetRoute>>(_content.Routes.TryGetValue(key, out var routes) ? [.. routes.Values] : []);
        }
    }

    /// <inheritdoc/>
    public Task WatchAsync(string key, CancellationToken cancellationToken)
    {
        lock (_content)
        {
            _watched.Add(key);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task UnwatchAsync(string key)
    {
        lock (_content)
        {
            _watched.Remove(key);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task RevokeAsync(IReadOnlyCollection<string> added, IReadOnlyCollection<string> removed, CancellationToken cancellationToken)
    {
        lock (_content)
        {
            _content.Revoked.ExceptWith(removed);
            _content.Revoked.UnionWith(added);
            _content.RevokedVersion++;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> GetRevokedAsync(CancellationToken cancellationToken)
    {
        lock (_content)
        {
            return Task.FromResult<IReadOnlyList<string>>([.. _content.Revoked]);
        }
    }

    /// <inheritdoc/>
    public Task<DeviceClaim> ClaimAsync(DeviceClaim claim, string node, CancellationToken cancellationToken)
    {
        MemoryDirectory[] told;
        DeviceClaim current;
        lock (_content)
        {
            var device = _content.Devices.GetValueOrDefault(claim.Id);
            if (device is not null && device.Claim.Session != claim.Session && claim.Generation > 0 && device.Claim.Generation > claim.Generation)
            {
                return Task.FromResult(device.Claim);
            }

            current = device?.Claim.Session == claim.Session ? device.Claim
                : claim with { Generation = claim.Generation > (device?.Claim.Generation ?? 0) ? claim.Generation : ++_content.Latest };
            HashSet<string> nodes = [.. device?.Nodes ?? [], node];
            _content.Devices[claim.Id] = new Device(current, nodes);
            told = [.. _content.Members.Where(member => member._node is { } name && name != node && nodes.Contains(name))];
        }

        Array.ForEach(told, member => member._watcher.DeviceClaimed(current));
        return Task.FromResult(current);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        lock (_content)
        {
            _content.Members.Remove(this);
            if (_content.Members.Count == 0)
            {
                _content.Nodes.Clear();
                _content.Routes.Clear();
                _content.Devices.Clear();
                _content.Revoked.Clear();
            }
        }

        return ValueTask.CompletedTask;
    }

    private sealed record Device(DeviceClaim Claim, HashSet<string> Nodes);

    /// <summary>What the relays of one name share.</summary>
    private sealed class Content
    {
        public List<MemoryDirectory> Members { get; } = [];

        public Dictionary<string, (FleetNode Node, long Until)> Nodes { get; } = [];

        public Dictionary<string, Dictionary<string, FleetRoute>> Routes { get; } = [];

        public Dictionary<string, Device> Devices { get; } = [];

        public HashSet<string> Revoked { get; } = [];

        public long RevokedVersion { get; set; }

        public long Latest { get; set; }
    }
}
