namespace MProxy.Engine.Fleet;

/// <summary>
/// The ids of tokens that a fleet refuses: what this relay's operator has added or taken back goes to the directory, and what others have comes from it. What was
/// heard once is told again to a directory that has forgotten it.
/// </summary>
/// <param name="directory">The directory.</param>
/// <param name="changed">Told all ids, when they are others than before.</param>
internal sealed class FleetRevocations(IFleetDirectory directory, Action<IReadOnlySet<string>> changed)
{
    private readonly Dictionary<string, bool> _due = new(StringComparer.Ordinal);
    private HashSet<string> _known = new(StringComparer.Ordinal);
    private long _version;

    /// <summary>The operator refuses other ids than before.</summary>
    public void Change(IEnumerable<string> before, IEnumerable<string> after)
    {
        lock (_due)
        {
            foreach (var id in before.Except(after, StringComparer.Ordinal))
            {
                _due[id] = false;
            }

            foreach (var id in after.Except(before, StringComparer.Ordinal))
            {
                _due[id] = true;
            }
        }
    }

    /// <summary>Brings directory and relay in line, behind a beat. One at a time.</summary>
    /// <param name="version">What the beat said.</param>
    /// <param name="isAnew">The directory may have forgotten what it was told.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FleetDirectoryException">Another time.</exception>
    public async Task SyncAsync(long version, bool isAnew, CancellationToken cancellationToken)
    {
        KeyValuePair<string, bool>[] due;
        lock (_due)
        {
            due = [.. _due];
        }

        HashSet<string> added = [.. due.Where(one => one.Value).Select(one => one.Key), .. isAnew ? _known : []];
        added.ExceptWith(due.Where(one => !one.Value).Select(one => one.Key));
        if (added.Count > 0 || due.Length > 0)
        {
            await directory.RevokeAsync(added, [.. due.Where(one => !one.Value).Select(one => one.Key)], cancellationToken).ConfigureAwait(false);
            lock (_due)
            {
                foreach (var (id, isAdded) in due)
                {
                    if (_due.TryGetValue(id, out var now) && now == isAdded)
                    {
                        _due.Remove(id);
                    }
                }
            }
        }
        else if (version == _version)
        {
            return;
        }

        var all = new HashSet<string>(await directory.GetRevokedAsync(cancellationToken).ConfigureAwait(false), StringComparer.Ordinal);
        _version = version;
        if (!all.SetEquals(_known))
        {
            _known = all;
            changed(all);
        }
    }
}
