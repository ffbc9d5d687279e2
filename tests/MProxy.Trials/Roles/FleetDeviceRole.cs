using System.Globalization;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Tokens;

namespace MProxy.Trials.Roles;

/// <summary>Devices with a port and a service each. Each has links to two relays of a fleet, or to one.</summary>
internal static class FleetDeviceRole
{
    public const string Name = "fleet-device";

    /// <param name="arguments">The secret in hex, the relays as address:port with commas between, the first device's number, the first port for clients, and the port of each device's service.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var key = TokenKey.FromSecret(Convert.FromHexString(arguments[0]));
        var relays = arguments[1].Split(',');
        var numbers = arguments.Skip(2).Select(argument => int.Parse(argument, CultureInfo.InvariantCulture)).ToArray();
        var tunnels = await Task.WhenAll(numbers[2..].Select((service, index) => StartAsync(numbers[0] + index, service)));
        return await Role.RunAsync(
            "",
            () => Sample.Take([.. tunnels.Select(tunnel => tunnel.Ledger)], tunnels.Sum(tunnel => tunnel.Links.Count(link => link.State == LinkState.Connected)), tunnels.Sum(tunnel => tunnel.ClientCount)),
            _ => Task.FromResult(""),
            () => Task.WhenAll(tunnels.Select(tunnel => tunnel.StopAsync())),
            () => tunnels.Select(tunnel => tunnel.Ledger));

        Task<Tunnel> StartAsync(int number, int service)
        {
            var grant = new Grant { Id = $"device-{number}", Ports = [numbers[1] + number] };
            var token = TokenLibrary.Load().Create(new TokenClaims { Grant = grant }, key, DateTimeOffset.UtcNow);
            string[] own = number % 3 == 0 ? [relays[number / 3 % relays.Length]] : [relays[number % relays.Length], relays[(number + 1) % relays.Length]];
            return Tunnel.StartAsync(new TunnelOptions
            {
                Name = $"{Name} {number}",
                Relays = [.. own.Select(relay => new DeviceLinkOptions { Relay = CarrierUri.Parse($"tcp://{relay}"), Tokens = [token], MaxRetryDelay = TimeSpan.FromMilliseconds(500) })],
                Service = new ServiceMap([new("*", LocalTarget.Parse($"127.0.0.1:{service}"))]),
            });
        }
    }
}
