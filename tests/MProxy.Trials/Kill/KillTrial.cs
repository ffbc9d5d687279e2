using System.Globalization;
using System.Net;
using MProxy.Trials.Clients;
using MProxy.Trials.Roles;

namespace MProxy.Trials.Kill;

/// <summary>
/// A relay, three devices and a service, a process each, of which at any moment one is killed (SIGKILL) and started again, suspended for a while as a
/// machine that sleeps, or left without a thread of its pool. Each client has all of its bytes, or the first ones and an end; none waits for ever; and after each all are served again.
/// </summary>
internal static class KillTrial
{
    private const int Devices = 3;
    private const int Clients = 40;
    private const int MaxLength = 400_000;

    /// <summary>So often at least, however long that takes: one long suspension may fill a short trial.</summary>
    private const int LeastKilled = 5;

    /// <summary>Longer than a link needs to find out that its peer says nothing.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static async Task<int> RunAsync(TrialOptions options)
    {
        Console.WriteLine($"seed {options.Seed}, {Clients} clients at once, {options.Duration}");
        var random = new Random(options.Seed);
        var bytes = new KnownBytes(endsAreTrue: false);

        using var relay = new Victim(RelayRole.Name, "0", "0");
        relay.Fix(relay.Numbers[0], relay.Numbers[1]);
        using var service = new Victim(ServiceRole.Name, "false", "0");
        service.Fix("false", service.Numbers[0]);
        var devices = Enumerable.Range(0, Devices).Select(_ => new Victim(DeviceRole.Name, relay.Numbers[0], 1, service.Numbers[0])).ToArray();
        Victim[] victims = [relay, service, .. devices];
        var remote = new IPEndPoint(IPAddress.Loopback, relay.Numbers[1]);

        using var ending = new CancellationTokenSource();
        var (number, whole, brokenOff, killed) = (0, 0L, 0L, 0);
        var clients = Enumerable.Range(0, Clients).Select(_ => Task.Run(LoopAsync)).ToArray();
        var failed = Task.WhenAny(clients).Unwrap();
        Dictionary<string, List<TimeSpan>> recoveries = [];
        var start = TimeProvider.System.GetTimestamp();
        try
        {
            while ((TimeProvider.System.GetElapsedTime(start) < options.Duration || killed < LeastKilled) && !failed.IsCompleted)
            {
                await Task.WhenAny(failed, Task.Delay(random.Next(100, 2000)));
                var victim = victims[random.Next(victims.Length)];
                var what = random.Next(4) switch
                {
                    0 => "suspended",
                    1 => "starved",
                    _ => "killed",
                };
                var pause = random.Next(20) == 0 ? 30_000 : random.Next(3_000);
                switch (what)
                {
                    case "suspended":
                        victim.Suspend();
                        await Task.WhenAny(failed, Task.Delay(pause));
                        victim.Resume();
                        break;
                    case "starved":
                        victim.Starve(pause);
                        await Task.WhenAny(failed, Task.Delay(pause));
                        break;
                    default:
                        killed++;
                        victim.Kill();
                        await Task.Delay(random.Next(500));
                        victim.Restart();
                        break;
                }

                var since = TimeProvider.System.GetTimestamp();
                while (!await bytes.AskAsync(remote, Interlocked.Increment(ref number), 1000, CancellationToken.None).WaitAsync(Patience))
                {
                    await Task.Delay(5);
                    if (TimeProvider.System.GetElapsedTime(since) > Patience)
                    {
                        throw new TimeoutException($"Nobody is served any more since the {victim.Name} was {what}.");
                    }
                }

                var key = $"{victim.Name} {what}";
                recoveries.TryAdd(key, []);
                recoveries[key].Add(TimeProvider.System.GetElapsedTime(since));
            }

            await ending.CancelAsync();
            await Task.WhenAll(clients);
            Show(recoveries);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{whole:N0} clients had all of their bytes, {brokenOff:N0} were broken off; none had a wrong byte, none hung"));

            // Nothing is left of anybody, in whichever process lived to the end.
            var ends = devices.Append(relay).Append(service).Select(victim => victim.Stop()).ToList();
            Console.WriteLine(string.Join(", ", ends));
            return whole > 0 && brokenOff > 0 && ends.TrueForAll(end => end == Role.EndedEmpty) ? 0 : 1;
        }
        finally
        {
            Array.ForEach(devices, device => device.Dispose());
        }

        async Task LoopAsync()
        {
            while (!ending.IsCancellationRequested)
            {
                var own = Interlocked.Increment(ref number);
                var length = new Random(options.Seed + own).Next(MaxLength);
                if (await bytes.AskAsync(remote, own, length, CancellationToken.None).WaitAsync(Patience))
                {
                    Interlocked.Increment(ref whole);
                }
                else
                {
                    // Not as fast as a relay that is not there can refuse.
                    Interlocked.Increment(ref brokenOff);
                    await Task.Delay(20);
                }
            }
        }
    }

    private static void Show(Dictionary<string, List<TimeSpan>> recoveries)
    {
        foreach (var (what, times) in recoveries.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            times.Sort();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what,-18} {times.Count,4} times; the next client was served whole after {times[times.Count / 2].TotalSeconds:0.00} s (median), {times[^1].TotalSeconds:0.00} s (longest)"));
        }
    }
}
