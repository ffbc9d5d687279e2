using System.Collections.Specialized;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>The relay's end of one device's link: lets it serve what its tokens allow, for as long as they do.</summary>
internal sealed class RelayLink : ILinkHost, IAsyncDisposable
{
    private readonly RelayServer _relay;
    private readonly RelayOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;

    // By a hash: a token is needed to be told apart, not to be kept. Guarded by itself.
    private readonly Dictionary<string, Grant> _grants = [];
    private readonly string? _carriedToken;
    private DateTimeOffset _tokenlessSince;

    public RelayLink(RelayServer relay, RelayOptions options, Carrier carrier, ResourceLedger ledger, TimeProvider time)
    {
        _relay = relay;
        _options = options;
        _time = time;
        _carriedToken = carrier.Token;
        _tokenlessSince = time.GetUtcNow();
        _timer = time.CreateTimer(_ => Expire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Name = $"{carrier.Scheme} {carrier.RemoteEndPoint}".TrimEnd();
        Connection = new LinkConnection(LinkRole.Relay, carrier, options.Link, this, ledger, time);
    }

    public LinkConnection Connection { get; }

    /// <summary>The carrier and where it comes from.</summary>
    public string Name { get; }

    /// <summary>The device takes no new clients.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>One client of this link has been refused for its identity already: that is said once.</summary>
    public bool HasWarned { get; set; }

    public async Task<Exception?> RunAsync(CancellationToken cancellationToken)
    {
        if (!_options.RequiresToken)
        {
            Add("", new Grant { IsUnrestricted = true, Ports = _options.TcpPort.Count > 0 ? _relay.TcpPort : [] });
        }
        else if (_carriedToken is { } token)
        {
            TryAdd(token, out var refusal, out var code);
            if (refusal is not null)
            {
                Connection.CloseWith(code!, refusal);
            }
        }

        ArmTimer();
        return await Connection.RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Brings a client to this device.</summary>
    /// <returns>False where the link is not up, or drains.</returns>
    /// <exception cref="FrameFieldException">The header cannot carry this client.</exception>
    public bool TryOpen(in FrameMeta meta, Socket socket, out bool isDuplicate)
    {
        isDuplicate = false;
        if (IsDraining || !Connection.IsUp)
        {
            return false;
        }

        var opened = Connection.TryOpen(meta, socket) is not null;
        isDuplicate = !opened && Connection.IsUp;
        return opened;
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        Drop(_ => true);
        await Connection.DisposeAsync().ConfigureAwait(false);
    }

    void ILinkHost.Opened(LinkConnection link, LinkClient client) => link.Fail(client, ErrorCode.BadCommand, "a device brings no clients");

    void ILinkHost.WentUp(LinkConnection link) => _relay.LinkWentUp(this);

    bool ILinkHost.Commanded(LinkConnection link, in ControlCommand command)
    {
        var id = command.Id;
        switch (command.Name)
        {
            case "add_token" or "auth" or "authn" or "authz":
                var accepted = TryAdd(command.FirstArgument as string, out var refusal, out var code);
                link.Say(control => control.Reply(id, accepted ? null : code, refusal));
                return true;
            case "delete_token":
                var text = command.FirstArgument as string;
                var found = text == "*" ? Drop(_ => true) : text is not null && Drop(key => key == KeyOf(text));
                link.Say(control => control.Reply(id, found ? null : ErrorCode.InvalidToken, "this link has no such token"));
                FailUngranted("its token was deleted");
                ArmTimer();
                return true;
            case "drain":
                IsDraining = true;
                link.Say(control => control.Reply(id));
                return true;
            default:
                return false;
        }
    }

    void ILinkHost.Reported(LinkConnection link, ControlReply error) => _relay.LinkReported(this, error);

    /// <summary>Another link has come with the same token id.</summary>
    public void Replace() => Connection.CloseWith(ErrorCode.Replaced, "another link came with the same token id");

    private static string KeyOf(string token) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private bool TryAdd(string? token, out string? refusal, out string? code)
    {
        (refusal, code) = (null, null);
        if (!_options.RequiresToken)
        {
            TellGrants();
            return true;
        }

        Grant grant;
        try
        {
            grant = token is null ? throw new TokenException("the command names no token")
                : TokenLibrary.Load().Verify(token, _options.Keys, _options.Audience, _time.GetUtcNow());
        }
        catch (TokenException error)
        {
            (refusal, code) = (error.Message, ErrorCode.InvalidToken);
            return false;
        }

        var key = KeyOf(token);
        lock (_grants)
        {
            if (_grants.ContainsKey(key))
            {
                return true;
            }
        }

        List<int> ports = [];
        foreach (var port in grant.Ports)
        {
            if (_relay.Ports.TryAcquire(port, out refusal) is not { } opened)
            {
                ports.ForEach(_relay.Ports.Release);
                code = ErrorCode.NotGranted;
                return false;
            }

            ports.Add(opened);
        }

        Add(key, grant with { Ports = ports });
        ArmTimer();
        return true;
    }

    private void Add(string key, Grant grant)
    {
        lock (_grants)
        {
            _grants[key] = grant;
        }

        foreach (var stale in _relay.Registry.Grant(this, grant))
        {
            _relay.Replace(stale);
        }

        if (key.Length > 0)
        {
            TellGrants();
        }
    }

    private void TellGrants()
    {
        List<object?> lines = [];
        lock (_grants)
        {
            foreach (var grant in _grants.Values)
            {
                lines.AddRange(grant.Domains.Select(domain => new object?[] { "https", domain }));
                if (grant.Ports.Count > 0)
                {
                    lines.Add(new object?[] { "tcp", $"{_options.PublicAddress}", grant.Ports.ToArray() });
                }
            }
        }

        Connection.Say(control => control.Tell(2, "grant", lines));
    }

    /// <summary>Takes grants away, with the ports they held.</summary>
    private bool Drop(Func<string, bool> which)
    {
        List<Grant> dropped = [];
        lock (_grants)
        {
            foreach (var key in _grants.Keys.Where(which).ToList())
            {
                dropped.Add(_grants[key]);
                _grants.Remove(key);
            }

            if (_grants.Count == 0)
            {
                _tokenlessSince = _time.GetUtcNow();
            }
        }

        foreach (var grant in dropped)
        {
            _relay.Registry.Revoke(this, grant);
            if (!grant.IsUnrestricted)
            {
                foreach (var port in grant.Ports)
                {
                    _relay.Ports.Release(port);
                }
            }
        }

        return dropped.Count > 0;
    }

    /// <summary>Ends the clients that no grant of this link covers any more.</summary>
    private void FailUngranted(string why)
    {
        Grant[] grants;
        lock (_grants)
        {
            grants = [.. _grants.Values];
        }

        Connection.FailWhere(client => !grants.Any(grant => grant.Allows(client.Meta)), ErrorCode.NotGranted, $"the device may no longer serve this client: {why}");
    }

    private void Expire()
    {
        var now = _time.GetUtcNow();
        string[] expired;
        bool isTooLate;
        lock (_grants)
        {
            expired = [.. _grants.Where(entry => entry.Value.Expires <= now).Select(entry => entry.Key)];
            isTooLate = _grants.Count == 0 && now - _tokenlessSince >= _options.TokenTimeout;
        }

        if (expired.Length > 0)
        {
            Drop(expired.Contains);
            FailUngranted("its token has expired");
            Connection.Say(control => control.Report(ErrorCode.InvalidToken, "a token of this link has expired"));
            TellGrants();
        }

        if (isTooLate)
        {
            Connection.CloseWith(ErrorCode.InvalidToken, $"no valid token came within {_options.TokenTimeout.TotalSeconds:0.#} s");
        }

        ArmTimer();
    }

    /// <summary>Wakes this link when a token expires, or when it has been without one for too long.</summary>
    private void ArmTimer()
    {
        if (!_options.RequiresToken)
        {
            return;
        }

        var now = _time.GetUtcNow();
        DateTimeOffset? due;
        lock (_grants)
        {
            due = _grants.Count == 0 ? _tokenlessSince + _options.TokenTimeout : _grants.Values.Min(grant => grant.Expires);
        }

        // A timer takes at most 49 days: a later expiry is looked at again then.
        var wait = due is { } at ? TimeSpan.FromTicks(Math.Clamp((at - now).Ticks, TimeSpan.TicksPerMillisecond, TimeSpan.FromDays(30).Ticks)) : Timeout.InfiniteTimeSpan;
        try
        {
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // The link has just ended.
        }
    }
}
