using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;
using MProxy.Engine.Fleet;
using StackExchange.Redis;

namespace MProxy.Directory;

/// <summary>
/// A directory on Redis 7 or later, alone or a cluster. Each key of the directory is a hash with a field for each relay, and a channel of sharded
/// publish and subscribe beside it, so that only those hear of a change who asked for that key.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The connection is disposed of by DisposeAsync.")]
internal sealed class RedisDirectory : IFleetDirectory
{
    /// <summary>How long a relay that is lost is told of.</summary>
    private static readonly TimeSpan LostFor = TimeSpan.FromMinutes(10);

    /// <summary>How long a route or device stays that nobody tells of again. Whoever has it does so three times in that time.</summary>
    private static readonly TimeSpan KeepFor = TimeSpan.FromHours(1);

    private const int MaxLooks = 100;

    // A day, in ms.
    private const long LongestLease = 86_400_000;

    // "id " in front of each refused id.
    private const int IdPrefixLength = 3;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

    private readonly DirectoryUri _uri;
    private readonly IFleetWatcher _watcher;
    private readonly object _gate = new();
    private Task<ConnectionMultiplexer>? _connecting;
    private readonly CertificatePins _pins;
    private volatile string? _self;
    private volatile string? _distrusted;
    private bool _isClosed;

    public RedisDirectory(DirectoryUri uri, IFleetWatcher watcher) =>
        (_uri, _watcher, _pins) = (uri, watcher, new CertificatePins(uri.Thumbprints, nameof(uri)));

    /// <inheritdoc/>
    public async Task<FleetBeat> BeatAsync(FleetNode node, TimeSpan lease, CancellationToken cancellationToken)
    {
        await HearAsync(node.Name, cancellationToken).ConfigureAwait(false);
        var answer = await EvaluateAsync(
            RedisScripts.Beat, [NodesKey, RevokedKey], cancellationToken, node.Name, node.Generation, (long)lease.TotalMilliseconds, node.ToText(), (long)LostFor.TotalMilliseconds).ConfigureAwait(false);
        if (answer is not [var standing, var generation, var revoked, ..])
        {
            throw new FleetDirectoryException("The directory answers something else than asked.");
        }

        List<(FleetNode, TimeSpan)> nodes = [];
        for (var i = 3; i + 3 < answer.Length; i += 4)
        {
            // One that cannot be read is that one's trouble.
            if (TryRead(answer[i + 1]) is { } held && TryRead(answer[i + 2]) is { } left && FleetNode.TryRead($"{answer[i]}", held, $"{answer[i + 3]}") is { } one)
            {
                nodes.Add((one, TimeSpan.FromMilliseconds(Math.Clamp(left, -LongestLease, LongestLease))));
            }
        }

        return new FleetBeat((int)standing switch { 0 => FleetStanding.Known, 1 => FleetStanding.New, _ => FleetStanding.Superseded }, ToNumber(generation), nodes, ToNumber(revoked));
    }

    /// <inheritdoc/>
    public Task LeaveAsync(FleetNode node, CancellationToken cancellationToken) =>
        EvaluateAsync(RedisScripts.Leave, [NodesKey], cancellationToken, node.Name, node.Generation);

    /// <inheritdoc/>
    public async Task<bool> PutAsync(string key, FleetRoute route, CancellationToken cancellationToken)
    {
        var answer = await EvaluateAsync(
            RedisScripts.Put, [RouteKey(key)], cancellationToken, route.Node, route.Generation, route.Links, route.LinksBelow, (long)KeepFor.TotalMilliseconds, RouteChannel(key)).ConfigureAwait(false);
        return answer is [var taken] && (int)taken == 1;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<FleetRoute>> FindAsync(string key, CancellationToken cancellationToken) => AskAsync<IReadOnlyList<FleetRoute>>(
        async connection => [.. (await connection.GetDatabase().HashGetAllAsync(RouteKey(key)).ConfigureAwait(false)).Select(ToRoute).OfType<FleetRoute>()], cancellationToken);

    /// <inheritdoc/>
    public Task WatchAsync(string key, CancellationToken cancellationToken) => AskAsync(
        async connection =>
        {
            await connection.GetSubscriber().SubscribeAsync(RedisChannel.Sharded(RouteChannel(key)), (_, _) => _watcher.RouteChanged(key)).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task UnwatchAsync(string key) => AskAsync(
        async connection =>
        {
            await connection.GetSubscriber().UnsubscribeAsync(RedisChannel.Sharded(RouteChannel(key))).ConfigureAwait(false);
            return true;
        },
        CancellationToken.None);

    /// <inheritdoc/>
    public Task RevokeAsync(IReadOnlyCollection<string> added, IReadOnlyCollection<string> removed, CancellationToken cancellationToken) =>
        EvaluateAsync(RedisScripts.Revoke, [RevokedKey], cancellationToken, [added.Count, .. added.Concat(removed).Select(id => (RedisValue)id)]);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> GetRevokedAsync(CancellationToken cancellationToken) => AskAsync<IReadOnlyList<string>>(
        async connection => [.. (await connection.GetDatabase().HashKeysAsync(RevokedKey).ConfigureAwait(false)).Select(field => $"{field}").Where(field => field.Length > 0).Select(field => field[IdPrefixLength..])], cancellationToken);

    /// <inheritdoc/>
    public async Task<DeviceClaim> ClaimAsync(DeviceClaim claim, string node, CancellationToken cancellationToken)
    {
        var answer = await EvaluateAsync(RedisScripts.Claim, [DeviceKey(claim.Id)], cancellationToken, claim.Session, claim.Generation, node, (long)KeepFor.TotalMilliseconds).ConfigureAwait(false);
        if (answer is not [var session, var generation, .. var others])
        {
            throw new FleetDirectoryException("The directory answers something else than asked.");
        }

        var current = new DeviceClaim(claim.Id, $"{session}", ToNumber(generation));
        var told = $"{current.Generation.ToString(CultureInfo.InvariantCulture)} {current.Session} {current.Id}";
        await AskAsync(
            connection => Task.WhenAll(others.Select(other => connection.GetSubscriber().PublishAsync(RedisChannel.Sharded(NodeChannel($"{other}")), told))), cancellationToken).ConfigureAwait(false);
        return current;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task<ConnectionMultiplexer>? connecting;
        lock (_gate)
        {
            _isClosed = true;
            connecting = _connecting;
        }

        if (connecting is not null)
        {
            try
            {
                // A server that stands still may hold that up.
                await CloseAsync(connecting).WaitAsync(CloseTimeout).ConfigureAwait(false);
            }
            catch (Exception error) when (error is RedisException or TimeoutException)
            {
                // It never connected, or ends by itself.
            }
        }
    }

    private static async Task CloseAsync(Task<ConnectionMultiplexer> connecting) => await (await connecting.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);

    private RedisKey NodesKey => $"{_uri.Prefix}:{{relays}}";

    /// <summary>Of the same slot as the relays, so that a beat tells of a change.</summary>
    private RedisKey RevokedKey => $"{_uri.Prefix}:revoked:{{relays}}";

    private RedisKey RouteKey(string key) => $"{_uri.Prefix}:route:{{{key}}}";

    private RedisKey DeviceKey(string id) => $"{_uri.Prefix}:device:{{{id}}}";

    /// <summary>Of the same slot as the route, so that the script that changes it may tell of that.</summary>
    private string RouteChannel(string key) => $"{_uri.Prefix}:changed:{{{key}}}";

    private string NodeChannel(string node) => $"{_uri.Prefix}:relay:{{{node}}}";

    private static FleetRoute? ToRoute(HashEntry entry) =>
        $"{entry.Value}".Split(' ') is [var generation, var links, var below, ..]
        && long.TryParse(generation, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && int.TryParse(links, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
        && int.TryParse(below, NumberStyles.None, CultureInfo.InvariantCulture, out var countBelow)
            ? new FleetRoute($"{entry.Name}", number, count, countBelow)
            : null;

    private static long? TryRead(RedisResult value) => long.TryParse($"{value}", NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static long ToNumber(RedisResult value) => TryRead(value) ?? throw new FleetDirectoryException("The directory answers no number where one is due.");

    /// <summary>From now on this relay hears what others have to say to it.</summary>
    private async Task HearAsync(string self, CancellationToken cancellationToken)
    {
        if (_self == self)
        {
            return;
        }

        await AskAsync(
            async connection =>
            {
                await connection.GetSubscriber().SubscribeAsync(RedisChannel.Sharded(NodeChannel(self)), (_, told) => Hear($"{told}")).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        _self = self;
    }

    private void Hear(string told)
    {
        if (told.Split(' ', 3) is [var generation, var session, var id] && long.TryParse(generation, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            _watcher.DeviceClaimed(new DeviceClaim(id, session, number));
        }
    }

    private Task<RedisResult[]> EvaluateAsync(string script, RedisKey[] keys, CancellationToken cancellationToken, params RedisValue[] arguments) => AskAsync(
        async connection =>
        {
            var answer = await connection.GetDatabase().ScriptEvaluateAsync(script, keys, arguments).ConfigureAwait(false);
            return answer.IsNull ? [] : answer.Resp2Type == ResultType.Array ? (RedisResult[])answer! : [answer];
        },
        cancellationToken);

    private async Task<T> AskAsync<T>(Func<ConnectionMultiplexer, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            var connection = await OrGiveUpAsync(ConnectAsync(), cancellationToken).ConfigureAwait(false);
            return await OrGiveUpAsync(ask(connection), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is RedisException or TimeoutException or ObjectDisposedException or InvalidOperationException)
        {
            var refusal = error is not RedisConnectionException ? null : _distrusted ?? (IsRefused(error) ? "it does not accept user and password" : null);
            throw new FleetDirectoryException(refusal ?? Reason(error), error) { IsRefusal = refusal is not null };
        }
    }

    /// <summary>The package takes no token: what is given up ends by itself, and how is nobody's business.</summary>
    private static async Task<T> OrGiveUpAsync<T>(Task<T> asked, CancellationToken cancellationToken)
    {
        try
        {
            return await asked.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = asked.ContinueWith(static late => late.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Without what was asked, which the package likes to tell.</summary>
    private static string Reason(Exception error) => error switch
    {
        RedisTimeoutException or TimeoutException => "it does not answer in time",
        RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } => "TLS with it fails",
        RedisConnectionException => "there is no connection",
        RedisServerException server => server.Message,
        _ => "its connection is closed",
    };

    /// <summary>The server said so, which the package tells inside of what it says of the connection. A handshake of TLS that fails it calls the same.</summary>
    private static bool IsRefused(Exception? error) =>
        error is not null && (error is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure, InnerException: RedisServerException } || IsRefused(error.InnerException));

    private bool Judge(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var check = new CertificateCheck(_pins, acceptUntrusted: false);
        var isAccepted = check.Accept(certificate, chain, errors);
        _distrusted = check.Failure;
        return isAccepted;
    }

    private Task<ConnectionMultiplexer> ConnectAsync()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            return _connecting is null || _connecting.IsFaulted ? _connecting = ConnectOnceAsync() : _connecting;
        }
    }

    private async Task<ConnectionMultiplexer> ConnectOnceAsync()
    {
        var connection = await ConnectionMultiplexer.ConnectAsync(RedisOptions.Of(_uri, Judge)).ConfigureAwait(false);
        connection.ConnectionRestored += (_, _) => _watcher.ChangesMissed();

        // What is asked of its second connection, the one that hears, would fail in the moment that it comes up in.
        for (var look = 0; look < MaxLooks && connection.IsConnected && !connection.GetSubscriber().IsConnected(); look++)
        {
            await Task.Delay(LookEvery).ConfigureAwait(false);
        }

        return connection;
    }
}
