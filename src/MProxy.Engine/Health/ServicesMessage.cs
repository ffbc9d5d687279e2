using MProxy.Engine.Link;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Engine.Health;

/// <summary>
/// The message in which a device tells a relay which of its services want no new clients:
/// <c>[id,"services",[["app.example.com","up"],["53","drain","udp"],["*","down"]]]</c>. It has all keys of the device, since a service that is
/// up may be closer to a client than one that is not. What takes datagrams says so: <c>udp</c> takes nothing else, and <c>dns</c> streams too.
/// </summary>
internal static class ServicesMessage
{
    public const string Command = "services";

    /// <summary>The most services that one message tells of.</summary>
    public const int MaxCount = 300;

    // A name with *. in front.
    private const int MaxKeyLength = 255;

    // What fits into one control message with room to spare.
    private const int MaxLength = 60 << 10;

    private static readonly AnnouncedService Longest = new(ServiceState.Draining, TakesDatagrams: true);

    /// <summary>Why the states of these services cannot be told; null where they can.</summary>
    public static string? WhyNot(IReadOnlyCollection<string> keys) =>
        keys.Count > MaxCount ? $"There are {keys.Count} services, and a relay can be told of {MaxCount} at most which of them get new clients."
        : keys.Any(key => key.Length is 0 or > MaxKeyLength) ? $"A service has an empty key or one of more than {MaxKeyLength} characters, and no relay can be told whether it gets new clients."
        : JsonText.Serialize(Write(keys.Select(key => KeyValuePair.Create(key, Longest)))).Length > MaxLength
            ? "The services have keys too long for a message that tells a relay which of them get new clients."
        : null;

    /// <summary>The third element of the message.</summary>
    public static object?[] Write(IEnumerable<KeyValuePair<string, AnnouncedService>> services) => [.. services.Select(entry => Line(entry.Key, entry.Value))];

    /// <summary>Reads it. A stranger may have sent it.</summary>
    /// <exception cref="LinkException">It is none, with the code of that.</exception>
    public static ServiceTable<AnnouncedService> Read(object? content)
    {
        if (content is not object?[] { Length: <= MaxCount } lines)
        {
            throw new LinkException($"The services are a list of {MaxCount} at most.", code: ErrorCode.BadCommand);
        }

        var table = new ServiceTable<AnnouncedService>();
        foreach (var line in lines)
        {
            if (line is not object?[] { Length: 2 or 3 } parts || parts[0] is not string { Length: > 0 and <= MaxKeyLength } key || ToService(parts) is not { } service
                || ServiceKeys.TryFold(key) != key || !table.TryAdd(key, service))
            {
                throw new LinkException(
                    "A service is [key, state] or [key, state, kind]: each key once and in the spelling of routing, up, down or drain, and udp or dns.", code: ErrorCode.BadCommand);
            }
        }

        return table;
    }

    private static object?[] Line(string key, AnnouncedService service)
    {
        var state = service.State switch
        {
            ServiceState.Up => "up",
            ServiceState.Down => "down",
            _ => "drain",
        };
        return service.TakesDatagrams ? [key, state, service.TakesStreams ? ClientService.Dns : ClientService.Udp] : [key, state];
    }

    private static AnnouncedService? ToService(object?[] parts)
    {
        ServiceState? state = parts[1] switch
        {
            "up" => ServiceState.Up,
            "down" => ServiceState.Down,
            "drain" => ServiceState.Draining,
            _ => null,
        };
        return (state, parts.Length == 2 ? "" : parts[2]) switch
        {
            ({ } known, "") when parts.Length == 2 => new AnnouncedService(known),
            ({ } known, ClientService.Udp) => new AnnouncedService(known, TakesStreams: false, TakesDatagrams: true),
            ({ } known, ClientService.Dns) => new AnnouncedService(known, TakesDatagrams: true),
            _ => null,
        };
    }
}
