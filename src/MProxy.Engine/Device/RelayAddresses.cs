using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>
/// The addresses of one relay name, given out to the links that share it, so that each goes to another one. The name is looked up whenever a link
/// dials, so relays that come and go need no word to the device.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore has no wait handle.")]
public sealed class RelayAddresses
{
    /// <summary>How many links may share a name.</summary>
    public const int MaxLinks = 16;

    /// <summary>How often a link that has no address looks for new ones, unless one of the others gives its own back.</summary>
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(30);

    /// <summary>Links that dial at once share one look.</summary>
    private static readonly TimeSpan SharedFor = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _looking = new(1);
    private readonly Dictionary<IPAddress, Standing> _known = [];
    private readonly object _gate = new();
    private volatile IPAddress[] _found = [];
    private SocketException? _failure;
    private long? _foundAt;
    private long _turn;
    private TaskCompletionSource _returned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RelayAddresses()
    {
    }

    /// <summary>Looks names up in place of the system, for tests.</summary>
    internal Func<string, CancellationToken, Task<IPAddress[]>> Find { get; set; } = HostName.FindAsync;

    /// <summary>Makes several links of the options of one, each to another address of the relay's name.</summary>
    /// <param name="relay">How to reach the relay. Where it is an address, a socket file or a stream, there is one link to it.</param>
    /// <param name="count">How many links at most, 1 to <see cref="MaxLinks"/>. With 1, the name is dialled as the system does.</param>
    /// <exception cref="ArgumentException">There is a proxy, which looks names up by itself.</exception>
    public static IEnumerable<DeviceLinkOptions> Spread(DeviceLinkOptions relay, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxLinks);
        if (count == 1 || !IsName(relay.Relay))
        {
            return [relay];
        }

        if (relay.Dial.Proxy is not null)
        {
            throw new ArgumentException("Links to several addresses of a name go past any proxy, and one is given.");
        }

        var shared = relay with { Addresses = new RelayAddresses(), Dial = relay.Dial with { NoProxy = true } };
        return Enumerable.Repeat(shared, count);
    }

    /// <summary>Whether a relay is given by a name, which may have several addresses.</summary>
    public static bool IsName([NotNullWhen(true)] CarrierUri? relay) => relay is { SocketPath: null } && !IPAddress.TryParse(relay.Host, out _);

    /// <summary>
    /// Gives a link an address that none of the others has: one that works, as far as is known, and of those the one that was left longest ago. Waits
    /// while there is none.
    /// </summary>
    /// <param name="relay">Whose.</param>
    /// <param name="before">The one that it has. It keeps it until it gets another, or has to wait.</param>
    /// <param name="options">How long a look may take, and where chance comes from.</param>
    /// <param name="waits">Called when it has none, and there is none to be had now.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CarrierException">The name has no address, or nobody answers in time.</exception>
    internal async Task<IPAddress> TakeAsync(
        CarrierUri relay, IPAddress? before, DeviceLinkOptions options, Action waits, TimeProvider time, CancellationToken cancellationToken)
    {
        for (; ; )
        {
            // Taken first: what is given back while this looks is not missed.
            Task returned;
            lock (_gate)
            {
                returned = _returned.Task;
            }

            var found = await LookAsync(relay, options, time, cancellationToken).ConfigureAwait(false);
            if (TryTake(found, before, options.Random) is { } address)
            {
                if (before is not null && !before.Equals(address))
                {
                    Wake();
                }

                return address;
            }

            before = null;
            waits();
            using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(returned, Task.Delay(Recheck, time, soon.Token)).ConfigureAwait(false);
            await soon.CancelAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Every address that was found has refused the device, so that there is no use in going to another.</summary>
    internal bool AllRefuse
    {
        get
        {
            lock (_gate)
            {
                return _found.All(one => Of(one).Refuses);
            }
        }
    }

    /// <summary>The link that has an address is up.</summary>
    internal void Worked(IPAddress address)
    {
        lock (_gate)
        {
            var one = Of(address);
            (one.IsUp, one.Fails, one.Refuses) = (true, false, false);
        }
    }

    /// <summary>The link that has an address is over, or did not come up; it keeps the address until it takes another.</summary>
    /// <returns>That is news, and there are addresses that nobody has tried yet.</returns>
    internal bool Ended(IPAddress address, Exception? error)
    {
        lock (_gate)
        {
            var one = Of(address);
            var (wasUp, refuses) = (one.IsUp, error is LinkException { IsFinal: true });
            var isNews = !wasUp && (!one.Fails || (refuses && !one.Refuses));
            one.IsUp = false;
            if (!wasUp)
            {
                (one.Fails, one.Refuses) = (true, one.Refuses || refuses);
            }

            if (error is LinkException { Code: ErrorCode.Replaced })
            {
                // Where another of these links did that, both lead to one relay.
                one.IsDouble = true;
            }
            else if (wasUp)
            {
                foreach (var other in _known.Values)
                {
                    other.IsDouble = false;
                }
            }

            return isNews && _found.Any(other => Of(other) is { IsTaken: false, Fails: false, Refuses: false });
        }
    }

    /// <summary>A link needs its address no more.</summary>
    internal void Return(IPAddress? address)
    {
        if (address is null)
        {
            return;
        }

        lock (_gate)
        {
            Of(address).IsUp = false;
            Leave(address);
        }

        Wake();
    }

    /// <summary>Those that wait look again.</summary>
    private void Wake()
    {
        TaskCompletionSource returned;
        lock (_gate)
        {
            (returned, _returned) = (_returned, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        returned.TrySetResult();
    }

    private IPAddress? TryTake(IPAddress[] found, IPAddress? before, Random random)
    {
        lock (_gate)
        {
            if (before is not null)
            {
                Leave(before);
            }

            // One that leads to the relay of a link that is up would only take that one's place.
            var isAnyUp = _known.Values.Any(one => one.IsUp);
            var address = Usable(found).Where(one => Of(one) is var standing && !standing.IsTaken && !(isAnyUp && standing.IsDouble)).OrderBy(_ => random.Next())
                .MinBy(one => (Of(one).Fails || Of(one).Refuses, Of(one).LeftAt));
            foreach (var gone in _known.Keys.Except(found).Where(one => !_known[one].IsTaken).ToArray())
            {
                _known.Remove(gone);
            }

            if (address is not null)
            {
                Of(address).IsTaken = true;
            }

            return address;
        }
    }

    /// <summary>With the lock held.</summary>
    private void Leave(IPAddress address)
    {
        var one = Of(address);
        (one.IsTaken, one.LeftAt) = (false, ++_turn);
    }

    /// <summary>With the lock held.</summary>
    private Standing Of(IPAddress address) => _known.TryGetValue(address, out var one) ? one : _known[address] = new Standing();

    /// <summary>Those of the family that comes first, since those of the other lead to the same relays; of the other where all of them fail.</summary>
    private IPAddress[] Usable(IPAddress[] found)
    {
        var preferred = found.Where(one => one.AddressFamily == found[0].AddressFamily).ToArray();
        var others = found.Except(preferred).ToArray();
        return !preferred.All(one => Of(one).Fails) ? preferred : !others.All(one => Of(one).Fails) ? others : found;
    }

    /// <summary>What the name has now, or had within the last second; so for a failure.</summary>
    private async Task<IPAddress[]> LookAsync(CarrierUri relay, DeviceLinkOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        using var patience = new Patience(options.ConnectTimeout, time, cancellationToken);
        try
        {
            await _looking.WaitAsync(patience.Token).ConfigureAwait(false);
            try
            {
                if (_foundAt is not { } at || time.GetElapsedTime(at) >= SharedFor)
                {
                    _failure = null;
                    try
                    {
                        _found = [.. (await Find(relay.Host, patience.Token).ConfigureAwait(false)).Distinct()];
                    }
                    catch (SocketException error)
                    {
                        _failure = error;
                    }

                    _foundAt = time.GetTimestamp();
                }

                return _failure is null && _found.Length > 0 ? _found : throw DialFailure.Connect($"the relay at {relay.Place}", _failure ?? new SocketException((int)SocketError.NoData));
            }
            finally
            {
                _looking.Release();
            }
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CarrierException(CarrierStage.Connect, $"The name of the relay at {relay.Place} was not found within {options.ConnectTimeout.TotalSeconds:0.#} s.", error);
        }
    }

    /// <summary>How an address stands with the links that share its name.</summary>
    private sealed class Standing
    {
        /// <summary>One of the links has it.</summary>
        public bool IsTaken { get; set; }

        /// <summary>That link is up.</summary>
        public bool IsUp { get; set; }

        /// <summary>The last that had it did not come up.</summary>
        public bool Fails { get; set; }

        /// <summary>Its relay refused the device.</summary>
        public bool Refuses { get; set; }

        /// <summary>It leads to a relay that another link has.</summary>
        public bool IsDouble { get; set; }

        /// <summary>When a link last left it, in turns; 0 for never.</summary>
        public long LeftAt { get; set; }
    }
}
