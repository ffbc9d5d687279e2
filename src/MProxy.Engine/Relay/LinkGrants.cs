using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Link;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>What one link may serve: a grant for each token that it has shown, with the ports that those hold open.</summary>
internal sealed class LinkGrants(RelaySettings settings, ClientPorts ports, TimeProvider time)
{
    // What fits into one grant message with room to spare.
    private const int MaxNames = 300;
    private const int MaxNameBytes = 32 << 10;

    // By a hash: tokens need to be told apart, not to be kept.
    private readonly Dictionary<string, Grant> _grants = [];

    public Grant[] All
    {
        get
        {
            lock (_grants)
            {
                return [.. _grants.Values];
            }
        }
    }

    /// <summary>When the first of them ends; null for never.</summary>
    public DateTimeOffset? NextExpiry => All.Min(grant => grant.Expires);

    /// <summary>The third element of the grant message. Source: protocol.md, section 2.</summary>
    public object?[] Lines =>
    [
        .. All.SelectMany(grant => grant.Domains).Distinct().Select(domain => new object?[] { "https", domain }),
        .. All.Where(grant => grant.Ports.Count > 0).Select(grant => new object?[] { ClientService.Tcp, $"{settings.Current.PublicAddress}", grant.Ports.ToArray() }),
        .. All.Where(grant => grant.UdpPorts.Count > 0).Select(grant => new object?[] { ClientService.Udp, $"{settings.Current.PublicAddress}", grant.UdpPorts.ToArray() }),
    ];

    /// <summary>A link to a relay that asks for no token may serve everything.</summary>
    public Grant AddUnrestricted(IReadOnlyList<int> open, IReadOnlyList<int> openUdp)
    {
        var grant = new Grant { IsUnrestricted = true, Ports = open, UdpPorts = openUdp };
        lock (_grants)
        {
            _grants[""] = grant;
        }

        return grant;
    }

    /// <summary>
    /// True where a client is covered by what this link may serve now. The clock is asked too: who takes away what has ended may be late, on a machine
    /// that was suspended, or whose clock was put forward.
    /// </summary>
    public bool Allow(FrameMeta client)
    {
        var now = time.GetUtcNow();
        return All.Any(grant => !(grant.Expires <= now) && grant.Allows(client, !settings.Current.ExactNamesOnly));
    }

    /// <summary>Checks a token, and takes the ports that it asks for. With the link's lock held, as is <see cref="RemoveRefused"/>: rules do not change in between.</summary>
    /// <param name="token">The token.</param>
    /// <param name="heldById">
    /// The ports, of TCP or UDP, that are held by a token id already: one that comes back, or whose token is exchanged, gets them, also where it leaves the
    /// choice to the relay.
    /// </param>
    /// <returns>What it allows; null where that is there already.</returns>
    /// <exception cref="LinkException">Says why not, with its code.</exception>
    public Grant? Add(string? token, Func<string, bool, IEnumerable<int>> heldById)
    {
        var grant = Verify(token);
        var key = KeyOf(token!);
        lock (_grants)
        {
            if (_grants.ContainsKey(key))
            {
                return null;
            }

            // A token that is exchanged for another is there together with that for a moment, with mostly the same names.
            Grant[] all = [.. _grants.Values, grant];
            var names = all.SelectMany(other => other.Domains).Distinct().ToArray();
            if (names.Length + Distinct(all, other => other.Ports) + Distinct(all, other => other.UdpPorts) > MaxNames)
            {
                throw new LinkException($"One link may serve {MaxNames} names and ports, and with this token it would be more.", code: ErrorCode.NotGranted);
            }

            // Names are ASCII by now.
            if (names.Sum(name => name.Length) > MaxNameBytes)
            {
                throw new LinkException($"The names that one link may serve have {MaxNameBytes} bytes together, and with this token it would be more.", code: ErrorCode.NotGranted);
            }

            grant = grant with { Ports = Acquire(grant.Ports, isUdp: false, Held(isUdp: false)) };
            try
            {
                grant = grant with { UdpPorts = Acquire(grant.UdpPorts, isUdp: true, Held(isUdp: true)) };
            }
            catch (LinkException)
            {
                Release(grant.Ports, isUdp: false);
                throw;
            }

            _grants.Add(key, grant);
            return grant;
        }

        IEnumerable<int> Held(bool isUdp) => grant.Id.Length == 0 ? [] : heldById(grant.Id, isUdp);
    }

    /// <summary>Checks a token, and changes nothing.</summary>
    /// <exception cref="LinkException">Says why not, with its code.</exception>
    public Grant Verify(string? token)
    {
        try
        {
            var options = settings.Current;
            var grant = token is null ? throw new TokenException("The command names no token.")
                : TokenLibrary.Load().Verify(token, options.Keys, options.Audience, time.GetUtcNow());
            return settings.WhyNot(grant) is { } reason ? throw new TokenException(reason) : grant;
        }
        catch (TokenException error)
        {
            throw new LinkException(error.Message, code: ErrorCode.InvalidToken);
        }
    }

    /// <summary>Takes away what a token allows, or with <c>*</c> all of it.</summary>
    public Grant[] Remove(string token) => Remove(entry => !entry.Value.IsUnrestricted && (token == "*" || entry.Key == KeyOf(token)));

    /// <summary>The link is gone.</summary>
    public Grant[] RemoveAll() => Remove(_ => true);

    /// <summary>Takes away what has ended by now.</summary>
    public Grant[] RemoveExpired() => Remove(entry => entry.Value.Expires <= time.GetUtcNow());

    /// <summary>Takes away what the relay would not accept any more.</summary>
    public Grant[] RemoveRefused() => Remove(entry => !entry.Value.IsUnrestricted && settings.WhyNot(entry.Value) is not null);

    private static int Distinct(Grant[] grants, Func<Grant, IEnumerable<int>> what) => grants.SelectMany(what).Distinct().Count();

    private static string KeyOf(string token) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private Grant[] Remove(Func<KeyValuePair<string, Grant>, bool> which)
    {
        KeyValuePair<string, Grant>[] removed;
        lock (_grants)
        {
            removed = [.. _grants.Where(which)];
            foreach (var entry in removed)
            {
                _grants.Remove(entry.Key);
            }
        }

        foreach (var (_, grant) in removed.Where(entry => !entry.Value.IsUnrestricted))
        {
            Release(grant.Ports, isUdp: false);
            Release(grant.UdpPorts, isUdp: true);
        }

        return [.. removed.Select(entry => entry.Value)];
    }

    private int[] Acquire(IReadOnlyList<int> wanted, bool isUdp, IEnumerable<int> held)
    {
        List<int> acquired = [];
        var inherited = new Queue<int>(held.Except(wanted));
        foreach (var port in wanted)
        {
            if (ports.TryAcquire(port == 0 && inherited.TryDequeue(out var old) ? old : port, isUdp, out var refusal) is not { } opened)
            {
                Release(acquired, isUdp);
                var isGranted = port == 0 || (isUdp ? settings.Current.GrantedUdpPort : settings.Current.GrantedPort).Contains(port);
                throw new LinkException(refusal!, code: isGranted ? ErrorCode.PortUnavailable : ErrorCode.NotGranted);
            }

            acquired.Add(opened);
        }

        return [.. acquired];
    }

    private void Release(IEnumerable<int> held, bool isUdp)
    {
        foreach (var port in held)
        {
            ports.Release(port, isUdp);
        }
    }
}
