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
    private readonly HashSet<IPAddress> _taken = [];
    private readonly HashSet<IPAddress> _up = [];
    private readonly HashSet<IPAddress> _failing = [];
    private readonly HashSet<IPAddress> _refusing = [];
    private readonly HashSet<IPAddress> _doubled = [];
    private readonly Dictionary<IPAddress, long> _left = [];
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
                return _found.All(_refusing.Contains);
            }
        }
    }

    /// <summary>The link that has an address is up.</summary>
    internal void Worked(IPAddress address)
    {
        lock (_gate)
        {
            _up.Add(address);
            _failing.Remove(address);
            _refusing.Remove(address);
        }
    }

    /// <summary>The link that has an address is over, or did not come up; it keeps the address until it takes another.</summary>
    /// <returns>That is news, and there are addresses that nobody has tried yet.</returns>
    internal bool Ended(IPAddress address, Exception? error)
    {
        lock (_gate)
        {
            var wasUp = _up.Remove(address);
            var isNews = !wasUp && (_failing.Add(address) | (error is LinkException { IsFinal: true } && _refusing.Add(address)));
            if (error is LinkException { Code: ErrorCode.Replaced })
            {
                // Where another of these links did that, both lead to one relay.
                _doubled.Add(address);
            }
            else if (wasUp)
            {
                _doubled.Clear();
            }

            return isNews && _found.Any(one => !_taken.Contains(one) && !_failing.Contains(one) && !_refusing.Contains(one));
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
            _taken.Remove(address);
            _up.Remove(address);
            _left[address] = ++_turn;
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
                _taken.Remove(before);
                _left[before] = ++_turn;
            }

            // One that leads to the relay of a link that is up would only take that one's place.
            var address = Usable(found).Where(one => !_taken.Contains(one) && (_up.Count == 0 || !_doubled.Contains(one))).OrderBy(_ => random.Next())
                .MinBy(one => (_failing.Contains(one) || _refusing.Contains(one), _left.GetValueOrDefault(one)));
            foreach (var gone in _left.Keys.Except(found).ToArray())
            {
                _left.Remove(gone);
            }

            _failing.IntersectWith(found);
            _refusing.IntersectWith(found);
            _doubled.IntersectWith(found);

            if (address is not null)
            {
                _taken.Add(address);
            }

            return address;
        }
    }

    /// <summary>Those of the family that comes first, since those of the other lead to the same relays; of the other where all of them fail.</summary>
    private IPAddress[] Usable(IPAddress[] found)
    {
        var preferred = found.Where(one => one.AddressFamily == found[0].AddressFamily).ToArray();
        var others = found.Except(preferred).ToArray();
        return !preferred.All(_failing.Contains) ? preferred : !others.All(_failing.Contains) ? others : found;
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
}
