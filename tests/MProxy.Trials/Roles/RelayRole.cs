using System.Globalization;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;

namespace MProxy.Trials.Roles;

/// <summary>A relay without tokens, with as much room as the trial needs.</summary>
internal static class RelayRole
{
    public const string Name = "relay";

    /// <param name="arguments">The port for devices and the one for clients, 0 for any.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var relay = RelayServer.Start(new RelayOptions
        {
            Name = Name,
            Listen = [CarrierUri.Parse($"tcp://127.0.0.1:{arguments[0]}")],
            TcpPort = [int.Parse(arguments[1], CultureInfo.InvariantCulture)],
            Limits = new RelayLimits
            {
                MaxClients = 100_000,
                MaxClientsPerAddress = 100_000,
                MaxNewClientsPerSecond = 0,
                MaxNewClientsPerAddress = 0,
                MaxPendingLinks = 10_000,
                MaxPendingLinksPerAddress = 10_000,
            },
        });
        return await Role.RunAsync(
            $"{relay.Listen[0].Port} {relay.TcpPort[0]}",
            () => Sample.Take([relay.Ledger], relay.LinkCount, relay.ClientCount, relay.RefusedCount),
            _ => Task.FromResult(string.Join("; ", relay.RefusedBy.Concat(relay.LimitedBy).Select(pair => $"{pair.Key}: {pair.Value}"))),
            () => relay.StopAsync(),
            () => [relay.Ledger]);
    }
}
