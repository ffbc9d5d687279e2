using System.Threading.Channels;

namespace MProxy.Engine.Fleet;

/// <summary>
/// The devices that have a link here, by the ids of their tokens. A device that shows its token at another relay too is told apart by its session:
/// one that comes back there may have left a dead link here, and another machine with its token takes over. Calls nobody with its lock held.
/// </summary>
/// <typeparam name="TLink">A link.</typeparam>
internal sealed class DeviceClaims<TLink>
    where TLink : class
{
    private readonly Dictionary<string, Holding> _held = new(StringComparer.Ordinal);
    private readonly Channel<string> _due = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>How many devices there are.</summary>
    public int Count
    {
        get
        {
            lock (_held)
            {
                return _held.Count;
            }
        }
    }

    /// <summary>A link has shown a token of this id.</summary>
    public void Hold(string id, string session, TLink link)
    {
        lock (_held)
        {
            _held[id] = new Holding(link, session);
        }

        _due.Writer.TryWrite(id);
    }

    /// <summary>It is gone, or the token is.</summary>
    public void Drop(string id, TLink link)
    {
        lock (_held)
        {
            if (_held.TryGetValue(id, out var holding) && holding.Link == link)
            {
                _held.Remove(id);
            }
        }
    }

    /// <summary>All are to be claimed anew.</summary>
    public void TellAll()
    {
        lock (_held)
        {
            foreach (var id in _held.Keys)
            {
                _due.Writer.TryWrite(id);
            }
        }
    }

    /// <summary>What the directory was told long ago is told again, each time a small part of it.</summary>
    /// <param name="isDue">Whether a key is of that part.</param>
    public void Renew(Func<string, bool> isDue)
    {
        lock (_held)
        {
            foreach (var id in _held.Keys.Where(isDue))
            {
                _due.Writer.TryWrite(id);
            }
        }
    }

    /// <summary>Waits for devices that are to be claimed, and takes so many at most.</summary>
    public async ValueTask<IReadOnlyList<DeviceClaim>> TakeAsync(int most, CancellationToken cancellationToken)
    {
        await _due.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false);
        HashSet<string> ids = [];
        while (ids.Count < most && _due.Reader.TryRead(out var id))
        {
            ids.Add(id);
        }

        lock (_held)
        {
            return [.. ids.Where(_held.ContainsKey).Select(id => new DeviceClaim(id, _held[id].Session, _held[id].Generation))];
        }
    }

    /// <summary>They could not be claimed.</summary>
    public void GiveBack(IEnumerable<DeviceClaim> claims)
    {
        foreach (var claim in claims)
        {
            _due.Writer.TryWrite(claim.Id);
        }
    }

    /// <summary>What the directory says of a device: its answer to a claim, or what another relay has brought about.</summary>
    /// <returns>The link that it concerns, null where there is none; and whether another session has taken over from it.</returns>
    public (TLink? Link, bool IsReplaced) Heard(DeviceClaim claim)
    {
        lock (_held)
        {
            if (!_held.TryGetValue(claim.Id, out var holding))
            {
                return (null, false);
            }

            if (holding.Session == claim.Session)
            {
                holding.Generation = claim.Generation;
                return (holding.Link, false);
            }

            // One that is not numbered yet has its own claim under way, which tells.
            return holding.Generation > 0 && claim.Generation > holding.Generation ? (holding.Link, true) : (null, false);
        }
    }

    /// <summary>The answer to a claim was another's: whoever held it here came too late.</summary>
    public TLink? Lost(DeviceClaim asked)
    {
        lock (_held)
        {
            return _held.TryGetValue(asked.Id, out var holding) && holding.Session == asked.Session ? holding.Link : null;
        }
    }

    private sealed class Holding(TLink link, string session)
    {
        public TLink Link => link;

        public string Session => session;

        public long Generation { get; set; }
    }
}
