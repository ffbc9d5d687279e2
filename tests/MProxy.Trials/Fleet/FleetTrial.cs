using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MProxy.Benchmarks.Peers;
using MProxy.Trials.Clients;
using MProxy.Trials.Kill;
using MProxy.Trials.Roles;

namespace MProxy.Trials.Fleet;

/// <summary>
/// Three relays on a real Redis, sixty devices with a port each, and clients that come to any relay for any device. Relays are killed and suspended, and
/// Redis is killed, suspended and flushed. No client may ever see a byte of another device, none waits for ever, and after each of these all are served
/// again, at every relay.
/// </summary>
internal static class FleetTrial
{
    private const int Relays = 3;
    private const int Processes = 3;
    private const int DevicesEach = 20;
    private const int Devices = Processes * DevicesEach;
    private const int Clients = 24;
    private const int MaxLength = 200_000;
    private const int LeastEvents = 6;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static async Task<int> RunAsync(TrialOptions options)
    {
        Console.WriteLine($"seed {options.Seed}, {Relays} relays, {Devices} devices, {Clients} clients at once, {options.Duration}");
        var random = new Random(options.Seed);
        var firstPort = 20_000 + random.Next(8_000);
        var secret = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));
        var folder = Directory.CreateTempSubdirectory("mproxy-fleet");
        using var redis = new Redis(firstPort + Devices, folder.FullName);
        var victims = new List<Victim>();
        try
        {
            var certificate = Path.Combine(folder.FullName, "peer.pfx");
            await File.WriteAllBytesAsync(certificate, MakeCertificate());
            for (var i = 0; i < Relays; i++)
            {
                var address = $"127.0.0.{i + 2}";
                var relay = new Victim(FleetRelayRole.Name, redis.Port, address, 0, 0, firstPort, Devices, secret, certificate);
                relay.Fix(redis.Port, address, relay.Numbers[0], relay.Numbers[1], firstPort, Devices, secret, certificate);
                victims.Add(relay);
            }

            using var service = new Victim([ServiceRole.Name, ServiceRole.Apart, .. Enumerable.Repeat<object>(0, Devices)]);
            var addresses = string.Join(',', victims.Select((relay, i) => $"127.0.0.{i + 2}:{relay.Numbers[0]}"));
            var devices = Enumerable.Range(0, Processes)
                .Select(i => new Victim([FleetDeviceRole.Name, secret, addresses, i * DevicesEach, firstPort, .. service.Numbers.Skip(i * DevicesEach).Take(DevicesEach).Cast<object>()])).ToArray();
            try
            {
                return await RunAsync(options, random, firstPort, redis, [.. victims], devices, service);
            }
            finally
            {
                Array.ForEach(devices, device => device.Dispose());
            }
        }
        finally
        {
            victims.ForEach(victim => victim.Dispose());
            folder.Delete(recursive: true);
        }
    }

    private static async Task<int> RunAsync(TrialOptions options, Random random, int firstPort, Redis redis, Victim[] relays, Victim[] devices, Victim service)
    {
        var bytes = Enumerable.Range(0, Devices).Select(device => new KnownBytes(endsAreTrue: false, apart: (uint)device)).ToArray();
        using var ending = new CancellationTokenSource();
        var (number, whole, brokenOff) = (0, 0L, 0L);
        Task failed = new TaskCompletionSource().Task;
        Dictionary<string, List<TimeSpan>> recoveries = [];
        await AllServeAsync("the start");
        var clients = Enumerable.Range(0, Clients).Select(index => Task.Run(() => LoopAsync(new Random(options.Seed + index)))).ToArray();
        failed = Task.WhenAny(clients).Unwrap();
        var start = TimeProvider.System.GetTimestamp();
        for (var events = 0; (TimeProvider.System.GetElapsedTime(start) < options.Duration || events < LeastEvents) && !failed.IsCompleted; events++)
        {
            await Task.WhenAny(failed, Task.Delay(random.Next(200, 2000)));
            var isShort = options.Duration < TimeSpan.FromMinutes(5);
            var pause = random.Next(isShort ? 20 : 4) == 0 ? 30_000 : random.Next(500, 5_000);
            var index = random.Next(relays.Length);
            string what;
            switch (events < LeastEvents ? events : random.Next(LeastEvents))
            {
                case 0:
                    what = "a relay killed";
                    relays[index].Kill();
                    await Task.Delay(random.Next(3_000));
                    await SomeServeAsync(index, "a relay was killed");
                    relays[index].Restart();
                    break;
                case 1:
                    what = "Redis killed, empty";
                    redis.Kill();
                    await Task.Delay(pause);
                    await AllServeAsync("Redis was gone");
                    redis.Start();
                    break;
                case 2:
                    what = "Redis flushed";
                    redis.Flush();
                    break;
                case 3:
                    what = "Redis suspended";
                    redis.Suspend();
                    await Task.WhenAny(failed, Task.Delay(pause));
                    await AllServeAsync("Redis was suspended");
                    redis.Resume();
                    break;
                case 4:
                    what = "a relay suspended";
                    relays[index].Suspend();
                    await Task.WhenAny(failed, Task.Delay(12_000));
                    await SomeServeAsync(index, "a relay was suspended");
                    relays[index].Resume();
                    break;
                default:
                    what = "a relay and Redis killed";
                    redis.Kill();
                    relays[index].Kill();
                    await Task.Delay(random.Next(1_000));
                    relays[index].Restart();
                    redis.Start();
                    break;
            }

            // From when the devices' links are up: how long they take to dial is theirs.
            await LinksUpAsync(what);
            var since = TimeProvider.System.GetTimestamp();
            await AllServeAsync(what);
            Console.WriteLine($"{what}: {TimeProvider.System.GetElapsedTime(since).TotalSeconds:0.00} s");
            recoveries.TryAdd(what, []);
            recoveries[what].Add(TimeProvider.System.GetElapsedTime(since));
        }

        await ending.CancelAsync();
        await Task.WhenAll(clients);
        foreach (var (what, times) in recoveries.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            times.Sort();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what,-25} {times.Count,4} times; every device was served at every relay after {times[times.Count / 2].TotalSeconds:0.00} s (median), {times[^1].TotalSeconds:0.00} s (longest)"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{whole:N0} clients had all of their bytes, {brokenOff:N0} were broken off or refused; none had a byte of another, none hung"));
        var ends = devices.Concat(relays).Append(service).Select(victim => victim.Stop()).ToList();
        Console.WriteLine(string.Join(", ", ends));
        return whole > 0 && ends.TrueForAll(end => end == Role.EndedEmpty) ? 0 : 1;

        async Task LoopAsync(Random own)
        {
            while (!ending.IsCancellationRequested)
            {
                if (await AskAsync(own.Next(relays.Length), own.Next(Devices), own.Next(MaxLength)))
                {
                    Interlocked.Increment(ref whole);
                }
                else
                {
                    Interlocked.Increment(ref brokenOff);
                    await Task.Delay(20);
                }
            }
        }

        Task<bool> AskAsync(int relay, int device, int length) =>
            bytes[device].AskAsync(new IPEndPoint(IPAddress.Parse($"127.0.0.{relay + 2}"), firstPort + device), Interlocked.Increment(ref number), length, CancellationToken.None).WaitAsync(Patience);

        async Task LinksUpAsync(string what)
        {
            var since = TimeProvider.System.GetTimestamp();
            while (!failed.IsCompleted && devices.Sum(device => device.Sample().Links) < (2 * Devices) - (Devices / 3))
            {
                await Task.Delay(20, CancellationToken.None);
                if (TimeProvider.System.GetElapsedTime(since) > Patience)
                {
                    throw new TimeoutException($"Devices' links are not up again since {what}.");
                }
            }
        }

        // Of a device with one link that had it there, nobody knows the way now.
        Task SomeServeAsync(int without, string what) => ServeAsync(what, without, device => device % 3 != 0);

        Task AllServeAsync(string what) => ServeAsync(what, -1, _ => true);

        Task ServeAsync(string what, int without, Func<int, bool> which) => Parallel.ForAsync(0, Devices * relays.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (turn, _) =>
        {
            var (relay, device) = (turn % relays.Length, turn / relays.Length);
            var since = TimeProvider.System.GetTimestamp();
            while (relay != without && which(device) && !failed.IsCompleted && !await AskAsync(relay, device, 100))
            {
                await Task.Delay(20, CancellationToken.None);
                if (TimeProvider.System.GetElapsedTime(since) > Patience)
                {
                    throw new TimeoutException($"Device {device} is not served at relay {relay} since {what}: {relays[relay].Ask("refused")}");
                }
            }
        });
    }

    private static byte[] MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=fleet", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return certificate.Export(X509ContentType.Pfx);
    }

    /// <summary>A real Redis that keeps nothing on disk.</summary>
    private sealed class Redis : IDisposable
    {
        private readonly string _folder;
        private Child? _server;

        public Redis(int port, string folder)
        {
            (Port, _folder) = (port, folder);
            _server = Run();
        }

        public int Port { get; }

        public void Kill()
        {
            _server?.Dispose();
            _server = null;
        }

        public void Start() => _server = Run();

        public void Suspend() => Signal("STOP");

        public void Resume() => Signal("CONT");

        public void Flush() => Child.Run("redis-cli", ["-p", $"{Port}", "flushall"]);

        public void Dispose() => Kill();

        private Child Run() => Child.Start("redis-server", ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", _folder])
            .WhenItListens(new IPEndPoint(IPAddress.Loopback, Port));

        private void Signal(string name) => Child.Run("/bin/sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -{name} {_server!.Id}")]);
    }
}
