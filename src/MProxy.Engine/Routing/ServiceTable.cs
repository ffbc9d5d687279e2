using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Routing;

/// <summary>
/// What a device has for each key of its services. Device and relay both look their clients up here, so that they never find two keys for
/// one client. A target of datagrams is none for a client of a stream, nor the other way round: the next that fits is. Pure, and without a lock.
/// </summary>
internal sealed class ServiceTable<TTarget>
    where TTarget : class, IServiceTarget
{
    private readonly Dictionary<string, TTarget> _targets = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What there is, in no order.</summary>
    public IReadOnlyDictionary<string, TTarget> Entries => _targets;

    /// <summary>Adds a key as <see cref="ServiceKeys.TryFold"/> spells it. False where it is there already.</summary>
    public bool TryAdd(string foldedKey, TTarget target) => _targets.TryAdd(foldedKey, target);

    /// <summary>The closest key of a client, and what stands behind it.</summary>
    public bool TryFind(in FrameMeta client, [NotNullWhen(true)] out string? key, [NotNullWhen(true)] out TTarget? target) =>
        TryFind(ServiceKeys.Of(client), client.Service, out key, out target);

    /// <summary>The same, for whoever asks several tables for one client.</summary>
    /// <param name="keys">What the client is looked for under, the closest first.</param>
    /// <param name="service">What it comes for.</param>
    /// <param name="key">The first of the keys whose target fits.</param>
    /// <param name="target">What stands behind it.</param>
    public bool TryFind(IReadOnlyList<string> keys, string? service, [NotNullWhen(true)] out string? key, [NotNullWhen(true)] out TTarget? target)
    {
        foreach (var one in keys)
        {
            if (_targets.TryGetValue(one, out target) && Fits(target, service))
            {
                key = one;
                return true;
            }
        }

        (key, target) = (null, null);
        return false;
    }

    private static bool Fits(TTarget target, string? service) => ClientService.IsDatagram(service) ? target.TakesDatagrams
        : !ClientService.IsStream(service) || target.TakesStreams;
}
