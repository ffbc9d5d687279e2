using System.Globalization;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;

namespace MProxy.Trials.Roles;

/// <summary>Devices, each with a link of its own, that serve all clients. One of them can be told to go, and another comes.</summary>
internal static class DeviceRole
{
    public const string Name = "device";

    public const string Replace = "replace";

    /// <summary>How many links were lost, and came again by themselves.</summary>
    public const string Lost = "lost";

    private const int AtOnce = 16;

    /// <param name="arguments">The relay's port for devices, how many, and the ports of services, which they share evenly.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var numbers = arguments.Select(argument => int.Parse(argument, CultureInfo.InvariantCulture)).ToArray();
        var (relay, services) = (CarrierUri.Parse($"tcp://127.0.0.1:{numbers[0]}"), numbers[2..]);
        var tunnels = new Tunnel[numbers[1]];
        var lost = 0;
        await Parallel.ForAsync(0, tunnels.Length, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (index, _) => tunnels[index] = await StartAsync(index));
        return await Role.RunAsync(
            "",
            () => Sample.Take([.. tunnels.Select(tunnel => tunnel.Ledger)], tunnels.Count(tunnel => tunnel.State == LinkState.Connected), tunnels.Sum(tunnel => tunnel.ClientCount)),
            line => line == Lost ? Task.FromResult($"{lost}") : ReplaceAsync(line),
            () => Task.WhenAll(tunnels.Select(tunnel => tunnel.StopAsync())),
            () => tunnels.Select(tunnel => tunnel.Ledger));

        // Its answer is how many clients were cut off with it.
        async Task<string> ReplaceAsync(string line)
        {
            var index = int.Parse(line[Replace.Length..], CultureInfo.InvariantCulture) % tunnels.Length;
            var clients = tunnels[index].ClientCount;
            await tunnels[index].StopAsync();
            var isEmpty = tunnels[index].Ledger.IsEmpty;
            tunnels[index] = await StartAsync(index);
            return isEmpty ? $"{clients}" : throw new InvalidOperationException($"A device has left {tunnels[index].Ledger}.");
        }

        async Task<Tunnel> StartAsync(int index)
        {
            var tunnel = await Tunnel.StartAsync(new TunnelOptions
            {
                Name = $"{Name} {index}",
                Relays = [new DeviceLinkOptions { Relay = relay, MaxRetryDelay = TimeSpan.FromMilliseconds(500), ConnectTimeout = TimeSpan.FromSeconds(60) }],
                Service = new ServiceMap([new("tcp", LocalTarget.Parse($"127.0.0.1:{services[index % services.Length]}"))]),
            });
            tunnel.EventRaised += (_, happened) => _ = happened.Kind == EventKind.LinkLost ? Interlocked.Increment(ref lost) : 0;
            return tunnel;
        }
    }
}
