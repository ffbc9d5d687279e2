using MProxy.Engine.Device;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Health;

/// <summary>
/// Where each service of a tunnel stands, by what its probes and the operator say. Calls nobody with its lock held but the feed of events,
/// which only takes note, so that it may be asked with a link's lock held.
/// </summary>
/// <param name="services">The services.</param>
/// <param name="tell">Says what has changed, in one sentence or two.</param>
/// <param name="changed">Told after that, without the lock: what relays have to know may be another now.</param>
/// <param name="time">The clock.</param>
internal sealed class ServiceBoard(ServiceMap services, Action<string> tell, Action changed, TimeProvider time)
{
    private readonly object _gate = new();
    private Dictionary<string, Service> _services = services.Keys.ToDictionary(
        key => key, key => new Service(key, services[key]) { Since = time.GetUtcNow() }, StringComparer.OrdinalIgnoreCase);

    /// <summary>All of them, by key.</summary>
    public IReadOnlyList<ServiceStatus> Statuses => Select(service => new ServiceStatus(service.Key, service.Target, service.State, service.Since, service.LastError));

    /// <summary>What relays are told.</summary>
    public IReadOnlyList<KeyValuePair<string, AnnouncedService>> States => Select(
        service => KeyValuePair.Create(service.Key, new AnnouncedService(service.State, service.Target.TakesStreams, service.Target.TakesDatagrams)));

    /// <summary>The operator wants no new clients for a key.</summary>
    public bool IsDraining(string key)
    {
        lock (_gate)
        {
            // It may have gone since it was looked up.
            return _services.TryGetValue(key, out var service) && service.IsDraining;
        }
    }

    /// <summary>A service was probed.</summary>
    /// <param name="key">Which.</param>
    /// <param name="isUp">What its probes say together.</param>
    /// <param name="error">Why the last one failed, as the end of a sentence; null where it passed.</param>
    public void Report(string key, bool isUp, string? error)
    {
        lock (_gate)
        {
            if (!_services.TryGetValue(key, out var service))
            {
                return;
            }

            service.LastError = error;
            if (isUp == service.IsUp)
            {
                return;
            }

            Change(service, () => service.IsUp = isUp);
            var rest = service.IsDraining ? "" : isUp ? " It gets new clients." : " New clients go elsewhere until it is up.";
            tell($"The service {service} is {(isUp ? "up again" : $"down: {error}")}.{rest}");
        }

        changed();
    }

    /// <summary>Takes a service out for new clients, or brings it back.</summary>
    /// <returns>False where it was so already.</returns>
    /// <exception cref="ArgumentException">There is no such key.</exception>
    public bool SetDraining(string key, bool isDraining)
    {
        lock (_gate)
        {
            if (ServiceKeys.TryFold(key) is not { } folded || !_services.TryGetValue(folded, out var service))
            {
                throw new ArgumentException($"This tunnel has no service '{key}'.");
            }

            if (isDraining == service.IsDraining)
            {
                return false;
            }

            Change(service, () => service.IsDraining = isDraining);
            tell(isDraining ? $"The service {service} is draining: no new clients come, and those there are may finish."
                : $"The service {service} is no longer draining{(service.IsUp ? ". It gets new clients." : ", but down: new clients go elsewhere until it is up.")}");
        }

        changed();
        return true;
    }

    /// <summary>
    /// The services are others from now on. One whose key and target stay is where it was, as long as it is probed, and a drain outlives a new target.
    /// </summary>
    /// <param name="next">The services.</param>
    /// <param name="isProbed">Whether the service of a key is.</param>
    public void Replace(ServiceMap next, Func<string, bool> isProbed)
    {
        lock (_gate)
        {
            var before = _services;
            _services = next.Keys.ToDictionary(
                key => key,
                key => before.TryGetValue(key, out var old) && old.Target == next[key] ? old
                    : new Service(key, next[key]) { Since = time.GetUtcNow(), IsDraining = old?.IsDraining ?? false },
                StringComparer.OrdinalIgnoreCase);
            foreach (var service in _services.Values.Where(service => !isProbed(service.Key)))
            {
                StopProbing(service);
            }
        }

        changed();
    }

    /// <summary>What its last probe said holds no more.</summary>
    private void StopProbing(Service service)
    {
        service.LastError = null;
        if (!service.IsUp)
        {
            Change(service, () => service.IsUp = true);
            tell($"The service {service} is probed no more.{(service.IsDraining ? "" : " It gets new clients.")}");
        }
    }

    private void Change(Service service, Action change)
    {
        var before = service.State;
        change();
        service.Since = service.State == before ? service.Since : time.GetUtcNow();
    }

    private T[] Select<T>(Func<Service, T> what)
    {
        lock (_gate)
        {
            return [.. _services.Values.OrderBy(service => service.Key, StringComparer.Ordinal).Select(what)];
        }
    }

    private sealed class Service(string key, LocalTarget target)
    {
        public string Key => key;

        public LocalTarget Target => target;

        public bool IsUp { get; set; } = true;

        public bool IsDraining { get; set; }

        public DateTimeOffset Since { get; set; }

        public string? LastError { get; set; }

        public ServiceState State => IsDraining ? ServiceState.Draining : IsUp ? ServiceState.Up : ServiceState.Down;

        public override string ToString() => $"{key}={target}";
    }
}
