using System.Threading.Channels;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Fleet;

/// <summary>How many links of this relay serve each key, and which of these numbers the directory has to be told. Calls nobody with its lock held.</summary>
internal sealed class RouteCounts(Func<bool> nameCoversSubdomains)
{
    private readonly Dictionary<string, (int Links, int Below)> _counts = [];
    private readonly Dictionary<string, (bool IsUdp, int Port)> _ports = [];
    private readonly HashSet<string> _changed = [];

    // The same in the order in which they are told: those that could not be go behind the others.
    private readonly Queue<string> _order = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private bool _isClosed;
    private int _underWay;
    private HashSet<string> _withheld = [];

    /// <summary>The ports that links serve by their tokens.</summary>
    public IReadOnlyList<(bool IsUdp, int Port)> Ports
    {
        get
        {
            lock (_counts)
            {
                return [.. _ports.Where(port => !_withheld.Contains(port.Key)).Select(port => port.Value)];
            }
        }
    }

    /// <summary>The directory was told all of it.</summary>
    public bool IsTold
    {
        get
        {
            lock (_counts)
            {
                return _changed.Count == 0 && _underWay == 0;
            }
        }
    }

    /// <summary>A link serves what a grant allows, or no more.</summary>
    public void Change(Grant grant, bool isServed)
    {
        lock (_counts)
        {
            if (_isClosed)
            {
                return;
            }

            foreach (var (key, isBelow) in RouteKeys.Of(grant, nameCoversSubdomains()))
            {
                var (links, below) = _counts.GetValueOrDefault(key);
                var by = isServed ? 1 : -1;
                var now = isBelow ? (links, below + by) : (links + by, below);
                if (now is (0, 0))
                {
                    _counts.Remove(key);
                    _ports.Remove(key);
                }
                else
                {
                    _counts[key] = now;
                    if (RouteKeys.PortOf(key) is { } port)
                    {
                        _ports[key] = port;
                    }
                }

                Mark([key]);
            }
        }

        Signal();
    }

    /// <summary>Forgets all, since what is counted by has changed: the links are counted anew next.</summary>
    public void Clear()
    {
        lock (_counts)
        {
            Mark(_counts.Keys);
            _counts.Clear();
            _ports.Clear();
        }

        Signal();
    }

    /// <summary>This relay serves nothing any more, whatever its links do.</summary>
    public void Close()
    {
        lock (_counts)
        {
            _isClosed = true;
        }

        Clear();
    }

    /// <summary>The directory has to be told everything anew.</summary>
    public void TellAll()
    {
        lock (_counts)
        {
            Mark(_counts.Keys);
        }

        Signal();
    }

    /// <summary>What the directory was told long ago is told again, each time a small part of it.</summary>
    /// <param name="isDue">Whether a key is of that part.</param>
    public void Renew(Func<string, bool> isDue)
    {
        lock (_counts)
        {
            Mark(_counts.Keys.Where(isDue));
        }

        Signal();
    }

    /// <summary>The only ports that are served and yet not told of.</summary>
    public void Withhold(IReadOnlyList<(bool IsUdp, int Port)> ports)
    {
        lock (_counts)
        {
            HashSet<string> keys = [.. ports.Select(port => RouteKeys.OfPort(port.Port, port.IsUdp))];
            if (keys.SetEquals(_withheld))
            {
                return;
            }

            Mark(keys);
            Mark(_withheld);
            _withheld = keys;
        }

        Signal();
    }

    /// <summary>Waits until there is something to tell.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _signal.Reader.ReadAsync(cancellationToken);

    /// <summary>Takes numbers that the directory has to be told, until <see cref="Told"/>.</summary>
    public IReadOnlyList<(string Key, int Links, int Below)> Take(int most)
    {
        lock (_counts)
        {
            var keys = new string[Math.Min(most, _order.Count)];
            for (var i = 0; i < keys.Length; i++)
            {
                keys[i] = _order.Dequeue();
                _changed.Remove(keys[i]);
            }

            _underWay += keys.Length;
            return Array.ConvertAll(keys, key =>
            {
                var (links, below) = _withheld.Contains(key) ? default : _counts.GetValueOrDefault(key);
                return (key, links, below);
            });
        }
    }

    /// <summary>The directory was told what was taken, but for some of it, which it has to be told another time.</summary>
    public void Told(int taken, IReadOnlyCollection<string> failed)
    {
        lock (_counts)
        {
            _underWay -= taken;
            Mark(failed);
        }
    }

    private void Mark(IEnumerable<string> keys)
    {
        foreach (var key in keys)
        {
            if (_changed.Add(key))
            {
                _order.Enqueue(key);
            }
        }
    }

    private void Signal() => _signal.Writer.TryWrite(true);
}
