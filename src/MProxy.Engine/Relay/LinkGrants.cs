using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Link;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Relay;

/// <summary>What one link may serve: a grant for each token that it has shown, with the ports that those hold open.</summary>
internal sealed class LinkGrants(RelayOptions options, ClientPorts ports, TimeProvider time)
{
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
        .. All.SelectMany(grant => grant.Domains).Select(domain => new object?[] { "https", domain }),
        .. All.Where(grant => grant.Ports.Count > 0).Select(grant => new object?[] { "tcp", $"{options.PublicAddress}", grant.Ports.ToArray() }),
    ];

    /// <summary>A link to a relay that asks for no token may serve everything.</summary>
    public Grant AddUnrestricted(IReadOnlyList<int> open)
    {
        var grant = new Grant { IsUnrestricted = true, Ports = open };
        lock (_grants)
        {
            _grants[""] = grant;
        }

        return grant;
    }

    /// <summary>Checks a token, and takes the ports that it asks for.</summary>
    /// <returns>What it allows; null where that is there already.</returns>
    /// <exception cref="LinkException">Says why not, with its code.</exception>
    public Grant? Add(string? token)
    {
        var grant = Verify(token);
        var key = KeyOf(token!);
        lock (_grants)
        {
            if (_grants.ContainsKey(key))
            {
                return null;
            }

            grant = grant with { Ports = Acquire(grant.Ports) };
            _grants.Add(key, grant);
            return grant;
        }
    }

    /// <summary>Checks a token, and changes nothing.</summary>
    /// <exception cref="LinkException">Says why not, with its code.</exception>
    public Grant Verify(string? token)
    {
        try
        {
            return token is null ? throw new TokenException("The command names no token.")
                : TokenLibrary.Load().Verify(token, options.Keys, options.Audience, time.GetUtcNow());
        }
        catch (TokenException error)
        {
            throw new LinkException(error.Message, code: ErrorCode.InvalidToken);
        }
    }

    /// <summary>Takes away what a token allows, or with <c>*</c> all of it.</summary>
    public Grant[] Remove(string token) => Remove(entry => token == "*" || entry.Key == KeyOf(token));

    /// <summary>Takes away what has ended by now.</summary>
    public Grant[] RemoveExpired() => Remove(entry => entry.Value.Expires <= time.GetUtcNow());

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
            Release(grant.Ports);
        }

        return [.. removed.Select(entry => entry.Value)];
    }

    private int[] Acquire(IReadOnlyList<int> wanted)
    {
        List<int> acquired = [];
        foreach (var port in wanted)
        {
            if (ports.TryAcquire(port, out var refusal) is not { } opened)
            {
                Release(acquired);
                throw new LinkException(refusal!, code: ErrorCode.NotGranted);
            }

            acquired.Add(opened);
        }

        return [.. acquired];
    }

    private void Release(IEnumerable<int> held)
    {
        foreach (var port in held)
        {
            ports.Release(port);
        }
    }
}
