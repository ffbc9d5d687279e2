using System.Collections.Specialized;
using MProxy.Engine.Carriers;
using MProxy.Engine.Health;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>One connection of a device's link: from the carrier that was dialled to its end.</summary>
internal sealed class LinkLife : ILinkHost, IAsyncDisposable
{
    private readonly DeviceLink _owner;
    private readonly TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _closing = new();
    private CancellationTokenRegistration _stopping;
    private volatile ServiceGrant[] _grants = [];
    private volatile ControlReply? _lastError;
    private long _heardByLastError;

    private LinkLife(Carrier carrier, DeviceLinkOptions options, DeviceLink owner, IReadOnlyList<string> tokens, ResourceLedger ledger, TimeProvider time)
    {
        _owner = owner;
        Connection = new LinkConnection(LinkRole.Device, carrier, options.Link, this, ledger, time, options.Random, options.Capture?.Tap(options.Target, tokens));
        Announcer = new ServiceAnnouncer(Connection, () => owner.ServiceStates, owner.ErrorReported);
    }

    public LinkConnection Connection { get; }

    public IReadOnlyList<ServiceGrant> Grants => _grants;

    /// <summary>Tells the relay which services get new clients.</summary>
    public ServiceAnnouncer Announcer { get; }

    /// <summary>The tokens that the relay has of this connection.</summary>
    public TokenList Shown { get; } = new([]);

    /// <summary>Done when the connection has ended, with the reason; null where the relay closed it in order.</summary>
    public Task<Exception?> Running { get; private set; } = Task.FromResult<Exception?>(null);

    /// <summary>Dials, greets and shows the tokens.</summary>
    /// <exception cref="CarrierException">The relay cannot be reached.</exception>
    /// <exception cref="LinkException">It does not greet in time, ended the link, or refused a token.</exception>
    /// <exception cref="ArgumentException">An option does not fit the address.</exception>
    public static async Task<LinkLife> ConnectAsync(DeviceLink owner, DeviceLinkOptions options, IReadOnlyList<string> tokens, ResourceLedger ledger, TimeProvider time, CancellationToken stopping)
    {
        using var connecting = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var timeout = time.CreateTimer(_ => connecting.Cancel(), null, options.ConnectTimeout, Timeout.InfiniteTimeSpan);

        // Awaited, so that a timer that fires at the last moment finds its token source alive.
        await using var stopTimeout = timeout.ConfigureAwait(false);
        LinkLife? life = null;
        try
        {
            life = new LinkLife(await DialAsync(options, ledger, time, connecting.Token).ConfigureAwait(false), options, owner, tokens, ledger, time);
            await life.GreetAsync(tokens, stopping, connecting.Token).ConfigureAwait(false);
            return life;
        }
        catch (Exception error)
        {
            if (life is not null)
            {
                await life.DisposeAsync().ConfigureAwait(false);
            }

            if (error is not OperationCanceledException || stopping.IsCancellationRequested)
            {
                throw;
            }

            throw error is DialCanceledException dial
                ? new CarrierException(dial.Stage, $"The relay at {options.Target} did not answer within {options.ConnectTimeout.TotalSeconds:0.#} s.", error)
                : new LinkException($"The relay did not greet, or accept the token, within {options.ConnectTimeout.TotalSeconds:0.#} s.", error, ErrorCode.Timeout);
        }
    }

    /// <summary>What it means that a relay did not accept a token.</summary>
    public static LinkException Refusal(ControlReply reply) =>
        // Text from old peers has no code of its own: a token that was not accepted is refused either way.
        new($"The relay refused the token: {reply.Message}", code: reply.Code is ErrorCode.Unknown ? ErrorCode.InvalidToken : reply.Code);

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await Running.ConfigureAwait(false);
        await Connection.DisposeAsync().ConfigureAwait(false);
        await _stopping.DisposeAsync().ConfigureAwait(false);
    }

    void ILinkHost.Opened(LinkConnection link, LinkClient client) => _owner.Serve(link, client);

    void ILinkHost.Ended(LinkConnection link, LinkClient client) => _owner.ClientEnded(client);

    void ILinkHost.WentUp(LinkConnection link) => _up.TrySetResult();

    void ILinkHost.Measured(LinkConnection link, TimeSpan roundTrip) => _owner.Measured(roundTrip);

    bool ILinkHost.Commanded(LinkConnection link, in ControlCommand command)
    {
        switch (command.Name)
        {
            case "grant":
                _grants = ServiceGrant.ParseAll(command.FirstArgument);
                _granted.TrySetResult();
                _owner.GrantsChanged(_grants);
                return true;
            case "access_token":
                if ((command.FirstArgument is OrderedDictionary box ? box["jwt"] : command.FirstArgument) is string token)
                {
                    Shown.ReplaceLast(token);
                    _owner.Tokens.ReplaceLast(token);
                }

                return true;
            default:
                return false;
        }
    }

    void ILinkHost.Reported(LinkConnection link, ControlReply error)
    {
        _lastError = error;
        _heardByLastError = link.BytesIn;
        _owner.ErrorReported(error);
    }

    private static Task<Carrier> DialAsync(DeviceLinkOptions options, ResourceLedger ledger, TimeProvider time, CancellationToken cancellationToken)
    {
        if (options.Dialer is { } dialer)
        {
            return dialer(cancellationToken);
        }

        if (options.Stream is not { } stream)
        {
            return CarrierDialer.DialAsync(options.Relay!, options.Dial, ledger, time, cancellationToken);
        }

        DialOptionsCheck.CheckForStream(options.Dial);
        return Task.FromResult(Carrier.FromStream(stream, time));
    }

    private async Task GreetAsync(IReadOnlyList<string> tokens, CancellationToken stopping, CancellationToken cancellationToken)
    {
        _stopping = stopping.UnsafeRegister(static closing => _ = ((CancellationTokenSource)closing!).CancelAsync(), _closing);
        Running = RunAsync();
        await FirstAsync(_up.Task, cancellationToken).ConfigureAwait(false);

        // Ahead of the tokens, which bring the clients.
        Announcer.Tell();
        if (tokens.Count > 0 && Connection.Hello.Commands.Contains(SessionMessage.Command))
        {
            await Connection.RequestAsync(SessionMessage.Command, _owner.Session).WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        await ShowAsync(tokens, cancellationToken).ConfigureAwait(false);
        if (tokens.Count > 0)
        {
            await FirstAsync(_granted.Task, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Shows the tokens. One that is refused is dropped where another holds: it may have expired while the link was up.</summary>
    private async Task ShowAsync(IReadOnlyList<string> tokens, CancellationToken cancellationToken)
    {
        List<(string Token, LinkException Refusal)> refused = [];
        foreach (var token in tokens)
        {
            var reply = await Connection.RequestAsync("add_token", token).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (reply.Code == ErrorCode.LinkLost)
            {
                throw await Running.ConfigureAwait(false) as LinkException ?? new LinkException("The relay closed the link.");
            }

            if (reply.Success)
            {
                Shown.Apply("add_token", token);
            }
            else
            {
                refused.Add((token, Refusal(reply)));
            }
        }

        if (refused.Count > 0 && (refused.Count == tokens.Count || refused.Any(entry => !entry.Refusal.IsFinal)))
        {
            throw refused.OrderBy(entry => entry.Refusal.IsFinal).First().Refusal;
        }

        refused.ForEach(entry => _owner.TokenDropped(entry.Token, entry.Refusal));
    }

    private async Task<Exception?> RunAsync()
    {
        var end = await Connection.RunAsync(_closing.Token).ConfigureAwait(false);

        // What the relay said last of all is why it closed.
        return Connection.BytesIn == _heardByLastError && end is null or not LinkException && _lastError is { Code: ErrorCode.InvalidToken or ErrorCode.NotGranted or ErrorCode.Replaced or ErrorCode.Timeout } error
            ? new LinkException(error.Message ?? "The relay closed the link.", end, error.Code)
            : end;
    }

    /// <summary>Waits for something that comes over the link, or for the link's end.</summary>
    private async Task FirstAsync(Task awaited, CancellationToken cancellationToken)
    {
        if (await Task.WhenAny(awaited, Running).WaitAsync(cancellationToken).ConfigureAwait(false) != awaited)
        {
            throw await Running.ConfigureAwait(false) is { } reason
                ? reason as LinkException ?? new LinkException($"The link ended before both sides had greeted: {reason.Message}", reason)
                : new LinkException("The link ended before both sides had greeted.");
        }
    }
}
