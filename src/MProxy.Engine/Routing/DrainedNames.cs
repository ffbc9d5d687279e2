using System.Collections.Immutable;
using System.Globalization;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Routing;

/// <summary>The names and ports of a relay that get no new clients. Read for each client, and changed by the operator: no lock, one set in place of another.</summary>
internal sealed class DrainedNames
{
    private ImmutableHashSet<string> _keys = ImmutableHashSet<string>.Empty;

    /// <summary>What is drained, in one spelling, in order.</summary>
    public IReadOnlyList<string> All => [.. Volatile.Read(ref _keys).Order(StringComparer.Ordinal)];

    /// <summary>No more clients of a name, of all that is below one (<c>*.name</c>), or of a port, whatever they ask for there.</summary>
    /// <returns>False where that was so already.</returns>
    /// <exception cref="ArgumentException">It is none of these.</exception>
    public bool Add(string name)
    {
        var key = Fold(name);
        return ImmutableInterlocked.Update(ref _keys, keys => keys.Add(key));
    }

    /// <summary>Refuses what <see cref="Add"/> would refuse.</summary>
    /// <exception cref="ArgumentException">It is no name, <c>*.name</c> or port.</exception>
    public static void Check(string name) => Fold(name);

    /// <summary>Takes that back.</summary>
    /// <returns>False where there was nothing to take back.</returns>
    /// <exception cref="ArgumentException">It is no name, <c>*.name</c> or port.</exception>
    public bool Remove(string name)
    {
        var key = Fold(name);
        return ImmutableInterlocked.Update(ref _keys, keys => keys.Remove(key));
    }

    /// <summary>A client is for one of them.</summary>
    public bool Contains(in FrameMeta client)
    {
        var keys = Volatile.Read(ref _keys);
        if (keys.IsEmpty)
        {
            return false;
        }

        if (client.ServicePort is { } port && keys.Contains(Key(port)))
        {
            return true;
        }

        var name = GrantRules.NameOf(client);
        return name is { Length: > 0 } && (keys.Contains(name) || IsBelowOne(keys, name));
    }

    private static bool IsBelowOne(ImmutableHashSet<string> keys, string name)
    {
        for (var dot = name.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = name.IndexOf('.', dot + 1))
        {
            if (keys.Contains($"*{name.AsSpan(dot)}"))
            {
                return true;
            }
        }

        return false;
    }

    private static string Key(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static string Fold(string name) =>
        ushort.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0 ? Key(port)
        : ServerName.TryFoldPattern(name) ?? throw new ArgumentException($"'{name}' is no name, *.name or port.");
}
