using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;
using MProxy.Engine.Fleet;
using MProxy.Engine.Relay;
using MProxy.Engine.Tokens;

namespace MProxy.Trials.Roles;

/// <summary>A relay of a fleet on an address of its own, which gives away a port for each device.</summary>
internal static class FleetRelayRole
{
    public const string Name = "fleet-relay";

    /// <param name="arguments">The port of Redis, its address, the port for devices and that for relays (0 for any), the first port for clients and how many, the secret in hex, and the file of the certificate.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var numbers = arguments.Select(argument => int.TryParse(argument, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0).ToArray();
        var relay = RelayServer.Start(new RelayOptions
        {
            Name = $"relay-{arguments[1]}",
            Listen = [CarrierUri.Parse($"tcp://{arguments[1]}:{numbers[2]}")],
            PublicAddress = IPAddress.Parse(arguments[1]),
            GrantedPort = [.. Enumerable.Range(numbers[4], numbers[5])],
            Keys = [TokenKey.FromSecret(Convert.FromHexString(arguments[6]))],
            Limits = new RelayLimits { MaxClientsPerAddress = 10_000, MaxNewClientsPerSecond = 0, MaxNewClientsPerAddress = 0 },
            Fleet = new FleetOptions
            {
                Directory = DirectoryUri.Parse($"redis://127.0.0.1:{numbers[0]}"),
                NodeName = arguments[1],
                PeerListen = CarrierUri.Parse($"tls://{arguments[1]}:{numbers[3]}"),
                PeerCertificate = X509CertificateLoader.LoadPkcs12FromFile(arguments[7], null),
            },
        });
        return await Role.RunAsync(
            $"{relay.Listen[0].Port} {relay.PeerListen!.Port}",
            () => Sample.Take([relay.Ledger], relay.LinkCount, relay.ClientCount, relay.RefusedCount),
            _ => Task.FromResult(string.Join("; ", relay.RefusedBy.Select(pair => $"{pair.Key}: {pair.Value}")) + " | " + string.Join(", ", relay.FleetRelays.Select(other => $"{other.Name} {other.State} {other.Links} links"))),
            () => relay.StopAsync(),
            () => [relay.Ledger]);
    }
}
