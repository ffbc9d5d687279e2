using System.Globalization;
using System.Net;
using MProxy.Trials.Roles;

namespace MProxy.Trials.Load;

/// <summary>
/// A relay, devices and services, a process each, under so many clients for so long. Every few seconds a device goes and another comes. In the end all
/// clients have had all of their bytes but for those who went, or whose device did; and what each process holds has not grown.
/// </summary>
internal static class LoadTrial
{
    private const int SampleCount = 40;
    private const int Services = 8;
    private const int ProbesPerSample = 20;

    /// <summary>What may be added between the second and the last quarter of the samples, as a part, and beside that for what is small.</summary>
    private const double MayGrow = 0.05;

    private static readonly TimeSpan ReplaceEvery = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(TrialOptions options)
    {
        using var relay = new RoleProcess(RelayRole.Name, "0", "0");
        using var service = new RoleProcess([ServiceRole.Name, "true", .. Enumerable.Repeat("0", Services)]);
        using var devices = new RoleProcess([DeviceRole.Name, $"{relay.Numbers[0]}", Text(options.Links), .. service.Numbers.Select(Text)]);
        RoleProcess[] roles = [relay, devices, service];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {options.Seed}, {options.Links:N0} links, {options.Idle:N0} idle and {options.Active:N0} active clients, {options.Duration}"));

        using var crowd = new Crowd(new IPEndPoint(IPAddress.Loopback, relay.Numbers[1]), options.Seed);
        await crowd.AddIdleAsync(options.Idle);
        crowd.AddActive(options.Active);

        var growth = new Growth(["relay", "devices", "service"]);
        List<TimeSpan> probes = [];
        var (cut, replaced) = (0, 0);
        var random = new Random(options.Seed);
        var start = TimeProvider.System.GetTimestamp();
        for (var number = 1; number <= SampleCount && !crowd.Failed.IsCompleted; number++)
        {
            while (Elapsed() < options.Duration * number / SampleCount && !crowd.Failed.IsCompleted)
            {
                if (Elapsed() > ReplaceEvery * (replaced + 1))
                {
                    replaced++;
                    cut += int.Parse(devices.Ask($"{DeviceRole.Replace} {random.Next(options.Links)}"), CultureInfo.InvariantCulture);
                }

                await Task.WhenAny(crowd.Failed, Task.Delay(options.Duration / SampleCount / ProbesPerSample));
                if (await crowd.ProbeAsync() is { } probe)
                {
                    probes.Add(probe);
                }
            }

            growth.Add(Elapsed(), crowd.Idle, crowd.Count, [.. roles.Select(role => role.Sample())]);
        }

        var idle = crowd.Idle;
        await crowd.EndAsync();
        var refused = relay.Ask("refused");
        var lost = int.Parse(devices.Ask(DeviceRole.Lost), CultureInfo.InvariantCulture);
        var ends = roles.Reverse().Select(role => role.Stop()).ToList();

        var count = crowd.Count;
        probes.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{count.Whole:N0} clients had all of their bytes, {count.Gone:N0} went in the middle, {count.BrokenOff:N0} were broken off by the end of {replaced} devices, which had {cut:N0} clients then"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"links lost: {lost:N0}, as where a machine is too busy to answer in time"));
        Console.WriteLine($"refused or limited: {(refused.Length == 0 ? "none" : refused)}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"a client of 100 bytes beside them: {probes[probes.Count / 2].TotalMilliseconds:N1} ms (median), {probes[probes.Count * 99 / 100].TotalMilliseconds:N1} ms (99 of 100)"));

        List<string> faults = [.. growth.Faults(MayGrow)];
        Expect(idle >= options.Idle * 0.98, $"{idle} of {options.Idle} idle clients were there in the end.");

        // Those of a link that was lost are not known, and may be twice the usual.
        var ofLost = 2 * lost * (options.Idle + options.Active) / options.Links;
        Expect(count.BrokenOff <= (cut * 1.1) + ofLost + 10, "More clients were broken off than devices have ended, or links lost.");
        Expect(ends.All(end => end == Role.EndedEmpty), string.Join(", ", ends));
        faults.ForEach(Console.Error.WriteLine);
        return faults.Count == 0 ? 0 : 1;

        TimeSpan Elapsed() => TimeProvider.System.GetElapsedTime(start);

        void Expect(bool isSo, string otherwise)
        {
            if (!isSo)
            {
                faults.Add(otherwise);
            }
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
