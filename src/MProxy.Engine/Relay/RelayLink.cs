using MProxy.Engine.Carriers;
using MProxy.Engine.Health;
using MProxy.Engine.Link;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>The relay's end of one device's link: lets it serve what its tokens allow, for as long as they do.</summary>
internal sealed class RelayLink : ILinkHost, IClientLink, IAsyncDisposable
{
    private const long GrantId = 2;

    // Each costs a signature check, and who has that many has none that holds.
    private const int MaxRefusedTokens = 20;

    /// <summary>How long a timer may sleep: it counts time that a machine was suspended less than the clock does, and not that the clock was changed.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMinutes(1);

    private readonly RelayServer _relay;
    private readonly RelaySettings _settings;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly LinkGrants _grants;
    private readonly LinkRates _rates;
    private long _tokenlessSince;
    private volatile bool _isDevice;
    private int _refusedTokens;
    private volatile LinkException? _lastWords;

    public RelayLink(RelayServer relay, RelaySettings settings, Carrier carrier, ResourceLedger ledger, TimeProvider time)
    {
        _relay = relay;
        _settings = settings;
        _time = time;
        _rates = new LinkRates(settings, relay.LimitStruck, time);
        _grants = new LinkGrants(settings, relay.Ports, time);
        _tokenlessSince = time.GetTimestamp();
        _timer = time.CreateTimer(_ => LookAtClock(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        // A device that comes by a socket file may be bound to one of any name.
        Name = PlainText.Of($"{carrier.Scheme} {carrier.RemoteEndPoint}".TrimEnd());
        var options = settings.Current;
        Connection = new LinkConnection(LinkRole.Relay, carrier, options.Link, this, ledger, time, tap: options.Capture?.Tap(Name, carrier.Token));
    }

    public LinkConnection Connection { get; }

    /// <summary>The carrier and where it comes from.</summary>
    public string Name { get; }

    /// <summary>It has greeted, and has shown a token that holds, or needs none: before that it is a stranger.</summary>
    public bool IsDevice => _isDevice;

    /// <summary>Which links are one device's; of a device that does not say, this one alone.</summary>
    public string Session { get; private set; } = Guid.NewGuid().ToString("n");

    /// <summary>The ids of its tokens.</summary>
    public IEnumerable<string> Ids => _grants.All.Select(grant => grant.Id).Where(id => id.Length > 0);

    /// <summary>The device takes no new clients.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>A relay that asks for no tokens lets its links serve everything. It asks or it does not, as long as it runs.</summary>
    private bool RequiresToken => _settings.Current.RequiresToken;

    public async Task<Exception?> RunAsync(CancellationToken cancellationToken)
    {
        Connection.Do(Begin);
        return await Connection.RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Brings a client to this device.</summary>
    /// <param name="meta">Who it is, and what it is for.</param>
    /// <param name="join">Makes its end at this side, which is the link's from then on.</param>
    /// <exception cref="FrameFieldException">The header cannot carry this client.</exception>
    public OpenResult TryOpen(in FrameMeta meta, ClientJoin join) => IsDraining
        ? OpenResult.Unavailable
        : Connection.TryOpen(meta, _settings.Limits.MaxClientsPerDevice - (_relay.Fleet?.ClientsElsewhere(Ids) ?? 0), _grants.Allow, join);

    /// <summary>What holds a new client of this link back: its way to the device, and back.</summary>
    public (ClientThrottle Up, ClientThrottle Down) NewThrottles(LinkClient client) => _rates.Throttle(client);

    /// <summary>The relay's options have changed: what they do not allow any more ends.</summary>
    /// <param name="namesChanged">What a granted name stands for has changed.</param>
    public void Recheck(bool namesChanged) => Connection.Do(() =>
    {
        if (!_settings.Accepts(Connection.Carrier))
        {
            CloseForCertificate();
            return;
        }

        var removed = _grants.RemoveRefused();
        Forget(removed);
        if (removed.Length > 0 || namesChanged)
        {
            FailUngranted("the relay does not allow it any more");
        }

        if (removed.Length > 0)
        {
            TellGrants();
        }

        ArmTimer();
    });

    /// <summary>Another link has come with the same token id.</summary>
    public void Replace() => Close(new LinkException("Another link came with the same token id.", code: ErrorCode.Replaced));

    /// <summary>Lets the device go when it has no client any more: it connects to whoever takes it.</summary>
    public async Task LeaveWhenIdleAsync()
    {
        await Connection.WhenIdleAsync().ConfigureAwait(false);
        Close(new LinkException("The relay takes no new clients.", code: ErrorCode.Unknown));
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        Forget(_grants.RemoveAll());
        Connection.Carrier.Place?.Dispose();
        await Connection.DisposeAsync().ConfigureAwait(false);
    }

    void ILinkHost.Opened(LinkConnection link, LinkClient client) => link.Fail(client, ErrorCode.BadCommand, "a device brings no clients");

    void ILinkHost.Ended(LinkConnection link, LinkClient client) => _relay.ClientEnded(this, client);

    void ILinkHost.Answered(LinkConnection link, LinkClient client) => _relay.Meter.FirstByte(client.Meta.Service, _time.GetElapsedTime(client.Since));

    void ILinkHost.WentUp(LinkConnection link) => AnnounceIfDevice();

    void ILinkHost.Measured(LinkConnection link, TimeSpan roundTrip) => _relay.Meter.Answered(roundTrip);

    bool ILinkHost.Commanded(LinkConnection link, in ControlCommand command)
    {
        var id = command.Id;
        try
        {
            if (!TryObey(command))
            {
                return false;
            }

            link.Say(control => control.Reply(id));
        }
        catch (LinkException refusal)
        {
            link.Say(control => control.Reply(id, refusal.Code, refusal.Message));
            if (refusal.Code == ErrorCode.InvalidToken && ++_refusedTokens == MaxRefusedTokens)
            {
                Close(new LinkException($"{MaxRefusedTokens} tokens of this link were refused.", code: ErrorCode.InvalidToken));
            }
        }

        return true;
    }

    void ILinkHost.Reported(LinkConnection link, ControlReply error) => _relay.LinkReported(this, error);

    private void Begin()
    {
        // Since its handshake the rules may have changed, and whoever changed them has looked for this link already.
        if (!_settings.Accepts(Connection.Carrier))
        {
            CloseForCertificate();
        }
        else if (!RequiresToken)
        {
            _relay.Registry.Grant(this, _grants.AddUnrestricted(_relay.TcpPort, _relay.UdpPort));
            AnnounceIfDevice();
        }
        else if (Connection.Carrier.Token is { } token)
        {
            try
            {
                Add(token);
            }
            catch (LinkException refusal)
            {
                Connection.CloseWith(refusal.Code!, refusal.Message);
            }
        }

        ArmTimer();
    }

    private void CloseForCertificate()
    {
        Forget(_grants.RemoveAll());
        FailUngranted("the device has shown no certificate that is accepted");

        // Not for good: the device may have one that it was never asked for.
        Close(new LinkException("The relay asks for another certificate of the device now.", code: ErrorCode.Unknown));
    }

    /// <summary>Ends the link when its device knows why. Until then it is obeyed no more.</summary>
    private void Close(LinkException why)
    {
        _lastWords = why;
        Connection.CloseWith(why.Code!, why.Message);
    }

    private bool TryObey(in ControlCommand command)
    {
        if (_lastWords is { } why)
        {
            throw new LinkException(why.Message, code: why.Code);
        }

        var token = command.FirstArgument as string;
        switch (command.Name)
        {
            case "add_token" or "auth" or "authn" or "authz":
                Add(token);
                return true;
            case "check_token":
                _ = RequiresToken ? _grants.Verify(token) : null;
                return true;
            case "delete_token":
                Delete(token);
                return true;
            case "drain":
                IsDraining = true;
                _relay.Registry.Drain(this);
                return true;
            case SessionMessage.Command when token is not null && SessionMessage.IsValid(token):
                Session = token;
                return true;
            case ServicesMessage.Command:
                _relay.Registry.Tell(this, ServicesMessage.Read(command.FirstArgument));
                return true;
            default:
                return false;
        }
    }

    private void Add(string? token)
    {
        if (RequiresToken && _grants.Add(token, _relay.Registry.PortsOf) is { } grant)
        {
            foreach (var stale in _relay.Registry.Grant(this, grant))
            {
                _relay.Replace(stale);
            }

            if (grant.Id.Length > 0)
            {
                _relay.Fleet?.Claims.Hold(grant.Id, Session, this);
            }

            ArmTimer();
            AnnounceIfDevice();
        }

        TellGrants();
    }

    /// <summary>Called with the link's lock held, when it is up and when a grant comes, in whatever order.</summary>
    private void AnnounceIfDevice()
    {
        if (_grants.All.Length == 0)
        {
            return;
        }

        // One that has to go for another is about to be cut off, and no device.
        if (Connection.Carrier.Place is { IsGivenUp: true })
        {
            return;
        }

        Connection.Carrier.Place?.Dispose();
        if (!_isDevice && Connection.IsUp)
        {
            _isDevice = true;
            _relay.LinkWentUp(this);
        }
    }

    private void Delete(string? token)
    {
        if (!RequiresToken)
        {
            return;
        }

        var removed = token is null ? [] : _grants.Remove(token);
        if (removed.Length == 0)
        {
            throw new LinkException("This link has no such token.", code: ErrorCode.InvalidToken);
        }

        Forget(removed);
        FailUngranted("its token was deleted");
        TellGrants();
        ArmTimer();
    }

    /// <summary>Brings no more clients for what was taken away.</summary>
    private void Forget(Grant[] grants)
    {
        foreach (var grant in grants)
        {
            _relay.Registry.Revoke(this, grant);
            _relay.Fleet?.Claims.Drop(grant.Id, this);
        }

        if (grants.Length > 0)
        {
            _tokenlessSince = _time.GetTimestamp();
        }
    }

    /// <summary>Ends the clients that no grant of this link covers any more.</summary>
    private void FailUngranted(string why)
    {
        Connection.FailWhere(client => !_grants.Allow(client.Meta), ErrorCode.NotGranted, $"the device may no longer serve this client: {why}");
    }

    private void TellGrants()
    {
        var lines = _grants.Lines;
        Connection.Say(control => control.Tell(GrantId, "grant", lines));
    }

    /// <summary>Ends what has expired, and in the end a link that has no token left.</summary>
    private void LookAtClock() => Connection.Do(() =>
    {
        var expired = _grants.RemoveExpired();
        if (expired.Length > 0)
        {
            Forget(expired);
            FailUngranted("its token has expired");
            Connection.Say(control => control.Report(ErrorCode.TokenExpired, "A token of this link has expired."));
            TellGrants();
        }
        else if (_grants.All.Length == 0 && _settings.Current.TokenTimeout is var timeout && _time.GetElapsedTime(_tokenlessSince) >= timeout)
        {
            Connection.CloseWith(ErrorCode.InvalidToken, $"No valid token came within {timeout.TotalSeconds:0.#} s.");
            return;
        }

        ArmTimer();
    });

    /// <summary>Wakes this link when a token expires, or when it has been without one for too long.</summary>
    private void ArmTimer()
    {
        if (!RequiresToken)
        {
            return;
        }

        // Together, so that an earlier wake-up never loses against a later one.
        lock (_timer)
        {
            Arm();
        }
    }

    private void Arm()
    {
        // A token ends by the clock, which may be changed; a stranger's time is counted, however the clock goes.
        var due = _grants.All.Length == 0 ? _settings.Current.TokenTimeout - _time.GetElapsedTime(_tokenlessSince) : _grants.NextExpiry - _time.GetUtcNow();
        var wait = due is { } span
            ? TimeSpan.FromTicks(Math.Clamp(span.Ticks, TimeSpan.TicksPerMillisecond, LongestSleep.Ticks))
            : Timeout.InfiniteTimeSpan;
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
