using CsCheck;
using MProxy.Engine.Device;
using MProxy.Engine.Health;
using MProxy.Engine.Relay;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Health;

/// <summary>Device and relay find the same service for a client, whatever the services and the client are.</summary>
public class ServiceLookupTests
{
    private static readonly string[] Keys =
    [
        "a.example", "b.a.example", "*.a.example", "*.b.a.example", "*.example", "A.b.example", "bücher.example", "*.BÜCHER.example", "1.2.3.4", "[0::1]",
        "80", "443", "53", "http", "HTTPS", "tls", "tcp", "udp", "dns", "dns-tcp", "ssh", "example", "localhost", "*",
    ];

    private static readonly string?[] Names =
    [
        null, "", "a.example", "A.EXAMPLE.", "b.a.example", "c.b.a.example", "d.c.b.a.example", "example", "x.example", "a.b.example", "xn--bcher-kva.example",
        "x.xn--bcher-kva.example", "1.2.3.4", "::1", "[::1]", "localhost", "http", "443", "not a name", "*.example", "a..example",
    ];

    private static readonly Gen<FrameMeta> Clients =
        from name in Pick(Names)
        from port in Pick<int?>(null, 53, 80, 443, 8080)
        from service in Pick<string?>("http", "https", "tls", "tcp", "udp", "dns", "dns-tcp", "ssh", "HTTP", "other", null)
        select new FrameMeta { Family = "IPv4", Address = "192.0.2.1", Port = 5, Service = service, ServicePort = port, Name = name };

    private static readonly Gen<AnnouncedService> States = Gen.Select(Gen.Enum<ServiceState>(), Gen.Int[0, 2])
        .Select((state, kind) => new AnnouncedService(state, TakesStreams: kind != 1, TakesDatagrams: kind != 0));

    private static readonly Gen<(string Key, AnnouncedService Service)[]> Maps =
        Gen.Select(Gen.Shuffle(Keys, 0, Keys.Length), States.Array[Keys.Length]).Select((keys, services) => keys.Zip(services).ToArray());

    [Fact]
    public void The_relay_finds_what_the_device_finds() => Gen.Select(Maps, Clients.Array[20]).Sample((map, clients) =>
    {
        var services = new ServiceMap(map.Select((entry, index) => KeyValuePair.Create(
            entry.Key, new LocalTarget("local", index + 1) { TakesStreams = entry.Service.TakesStreams, TakesDatagrams = entry.Service.TakesDatagrams })));
        var states = services.Keys.ToDictionary(key => key, key => map[services[key].Port - 1].Service);

        // As it comes over the wire.
        Assert.True(JsonText.TryParse(JsonText.Serialize(ServicesMessage.Write(states)), out var content));
        var atRelay = ServicesMessage.Read(content);
        var table = new RouteTable<string>(() => RelayBalance.RoundRobin, () => true);
        table.Add("device", new Grant { IsUnrestricted = true });
        table.Tell("device", atRelay);
        foreach (var client in clients)
        {
            var found = services.TryFind(OverTheWire(client), out var key, out var target);
            Assert.Equal(found, atRelay.TryFind(client, out var keyAtRelay, out var service));
            Assert.Equal(key, keyAtRelay);
            Assert.Equal(found ? map[target!.Port - 1].Service : null, service);
            Assert.Equal(service is null or { State: ServiceState.Up } ? ["device"] : [], table.Order(client, _ => 0));
            Assert.Equal(Expected(services, client), key, ignoreCase: true);
        }
    });

    [Fact]
    public void A_service_that_is_up_is_closer_than_one_for_everything_that_is_not()
    {
        var table = ServicesMessage.Read(new object?[] { new object?[] { "*", "down" }, new object?[] { "app.example", "up" }, new object?[] { "*.app.example", "drain" } });
        Assert.Equal(ServiceState.Up, StateFor(table, "app.example"));
        Assert.Equal(ServiceState.Draining, StateFor(table, "x.app.example"));
        Assert.Equal(ServiceState.Down, StateFor(table, "other.example"));
    }

    private static Gen<T> Pick<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static ServiceState StateFor(ServiceTable<AnnouncedService> table, string name) =>
        table.TryFind(new FrameMeta { Name = name, ServicePort = 443, Service = "https" }, out _, out var service) ? service.State : throw new KeyNotFoundException();

    /// <summary>The header as the device reads it.</summary>
    private static FrameMeta OverTheWire(in FrameMeta client)
    {
        var reader = new FrameReader();
        ReadOnlySpan<byte> bytes = FrameEncoder.Encode(FrameKind.Connection, client, default);
        Assert.True(reader.TryRead(ref bytes, out var frame));
        return new FrameMeta { Family = frame.Family, Address = frame.Address, Port = frame.Port, Service = frame.Service, ServicePort = frame.ServicePort, Name = frame.Name };
    }

    /// <summary>The rule once more, as its description says it.</summary>
    private static string? Expected(ServiceMap services, FrameMeta client)
    {
        bool Has(string? key) => services.Keys.FirstOrDefault(other => string.Equals(other, key, StringComparison.OrdinalIgnoreCase)) is { } found && client.Service switch
        {
            "udp" or "dns" => services[found].TakesDatagrams,
            "tcp" or "tls" or "https" or "http" or "ssh" or "dns-tcp" => services[found].TakesStreams,
            _ => true,
        };
        var name = string.IsNullOrEmpty(client.Name) ? null : ServerName.TryFold(client.Name);
        if (name?.AsSpan().ContainsAny('.', ':') == true)
        {
            var below = services.Keys.Where(key => key.StartsWith("*.", StringComparison.Ordinal) && name.EndsWith(key[1..], StringComparison.Ordinal) && Has(key));
            if (Has(name) || below.Any())
            {
                return Has(name) ? name : below.MaxBy(key => key.Length);
            }
        }

        var other = client.Service switch { "tls" => "https", "https" => "tls", "dns-tcp" => "dns", _ => null };
        return new[] { $"{client.ServicePort}", client.Service, other, "*" }.FirstOrDefault(Has);
    }
}
