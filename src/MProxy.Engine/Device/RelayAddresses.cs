using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

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
    private readonly Dictionary<IPAddress, long> _left = [];
    private readonly object _gate = new();
    private IPAddress[] _found = [];
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
    /// Gives a link an address that none of the others has, and of those the one that was left longest ago. Waits while there is none.
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

            var address = found.Where(one => !_taken.Contains(one)).OrderBy(_ => random.Next()).MinBy(one => _left.GetValueOrDefault(one));
            foreach (var gone in _left.Keys.Except(found).ToArray())
            {
                _left.Remove(gone);
            }

            if (address is not null)
            {
                _taken.Add(address);
            }

            return address;
        }
    }

    /// <summary>The addresses of one family: those of the other lead to the same relays.</summary>
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
                    var all = await Find(relay.Host, patience.Token).ConfigureAwait(false);
                    _found = [.. all.Where(address => address.AddressFamily == all[0].AddressFamily).Distinct()];
                    _foundAt = time.GetTimestamp();
                }

                return _found;
            }
            finally
            {
                _looking.Release();
            }
        }
        catch (SocketException error)
        {
            throw DialFailure.Connect($"the relay at {relay.Place}", error);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CarrierException(CarrierStage.Connect, $"The name of the relay at {relay.Place} was not found within {options.ConnectTimeout.TotalSeconds:0.#} s.", error);
        }
    }
}
