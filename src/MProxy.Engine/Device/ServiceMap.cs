using System.Globalization;
using MProxy.Engine.Link;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Engine.Device;

/// <summary>
/// What a tunnel exposes: nothing but what stands here. A client goes to the target of its name, else of the longest <c>*.name</c> that it is
/// below of, else of its service port, else of its service, where <c>https</c> and <c>tls</c> stand for each other and <c>dns</c> for <c>dns-tcp</c>
/// too, else of <c>*</c>. A target of datagrams is none for a client of a stream, nor the other way round: the next that fits is.
/// </summary>
public sealed class ServiceMap
{
    private readonly Dictionary<string, LocalTarget> _targets = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A map of keys (name, <c>*.name</c>, port, service or <c>*</c>) to targets. Keys are compared without case, names as routing does it.</summary>
    /// <exception cref="ArgumentException">A key is there twice, or is no name although it is written like one.</exception>
    public ServiceMap(IEnumerable<KeyValuePair<string, LocalTarget>> targets)
    {
        foreach (var (key, target) in targets)
        {
            if (!_targets.TryAdd(Fold(key), target))
            {
                throw new ArgumentException($"The service '{key}' is given twice.");
            }
        }
    }

    /// <summary>The entries as text: <c>tcp=127.0.0.1:9000</c>.</summary>
    public IReadOnlyList<string> Entries => _targets.Select(entry => $"{entry.Key}={entry.Value}").Order(StringComparer.Ordinal).ToArray();

    /// <summary>Where clients may go.</summary>
    internal IReadOnlyCollection<LocalTarget> Targets => _targets.Values;

    /// <summary>Where a client goes; null where this device does not serve it.</summary>
    public LocalTarget? Find(in FrameMeta client) =>
        FindName(client)
        ?? Find(client.ServicePort?.ToString(CultureInfo.InvariantCulture), client)
        ?? Find(client.Service, client)
        ?? Find(OtherName(client.Service), client)
        ?? Find("*", client);

    private static bool Fits(LocalTarget target, string? service) => ClientService.IsDatagram(service) ? target.TakesDatagrams
        : !ClientService.IsStream(service) || target.TakesStreams;

    /// <summary>A client of TLS is one of <c>https</c> where its name led it here, as relays have always called it, and of <c>tls</c> in general.</summary>
    private static string? OtherName(string? service) => service switch
    {
        "https" => "tls",
        "tls" => "https",
        ClientService.DnsOverTcp => ClientService.Dns,
        _ => null,
    };

    /// <summary>A dot, a colon or a letter beyond ASCII is in names and addresses alone. Other keys may be a service's as well.</summary>
    private static string Fold(string key) => key.Any(letter => letter is '.' or ':' || !char.IsAscii(letter))
        ? ServerName.TryFoldPattern(key) ?? throw new ArgumentException($"The service '{key}' is no name, *.name, port or service.")
        : key;

    private LocalTarget? FindName(in FrameMeta client)
    {
        var name = client.Name;
        // One without a dot could be the name of a service here, which no client may choose.
        if (string.IsNullOrEmpty(name) || ServerName.TryFold(name) is not { } folded || !folded.AsSpan().ContainsAny('.', ':'))
        {
            return null;
        }

        var target = Find(folded, client);
        for (var dot = folded.IndexOf('.', StringComparison.Ordinal); target is null && dot >= 0; dot = folded.IndexOf('.', dot + 1))
        {
            target = Find($"*{folded.AsSpan(dot)}", client);
        }

        return target;
    }

    private LocalTarget? Find(string? key, in FrameMeta client) =>
        !string.IsNullOrEmpty(key) && _targets.GetValueOrDefault(key) is { } target && Fits(target, client.Service) ? target : null;
}
