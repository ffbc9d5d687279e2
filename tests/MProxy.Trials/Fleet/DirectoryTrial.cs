using System.Diagnostics;
using System.Globalization;
using System.Net;
using MProxy.Benchmarks.Peers;
using MProxy.Engine.Carriers;
using MProxy.Engine.Fleet;
using MProxy.Engine.Relay;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Trials.Fleet;

/// <summary>
/// What a real Redis has to do for so many devices, each with an id and a name, at one relay, while another looks for their names: how long they take to be told,
/// what they cost at rest, how long a look takes, and how long it takes until an emptied directory is filled again.
/// </summary>
internal static class DirectoryTrial
{
    private const int Lookups = 20_000;
    private const int AtOnce = 64;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(20);

    public static async Task<int> RunAsync(TrialOptions options)
    {
        var port = 28_000 + (options.Seed % 1000);
        var folder = Directory.CreateTempSubdirectory("mproxy-directory");
        try
        {
            using var redis = Child.Start("redis-server", ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder.FullName])
                .WhenItListens(new IPEndPoint(IPAddress.Loopback, port));
            await MeasureAsync(options.Links, port);
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task MeasureAsync(int devices, int port)
    {
        using var stopping = new CancellationTokenSource();
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        await using var here = new Member("r1", port);
        await using var there = new Member("r2", port);
        here.Run(stopping.Token);
        there.Run(stopping.Token);
        await Task.WhenAll(here.InAsync(), there.InAsync());
        var empty = await InfoAsync(port, "used_memory");
        var since = Stopwatch.GetTimestamp();
        for (var i = 0; i < devices; i++)
        {
            here.Routes.Change(new Grant { Domains = [Name(i)] }, isServed: true);
            here.Claims.Hold($"device-{i}", $"session{i}", here);
        }

        await here.ToldAsync();
        Say($"{devices:N0} devices were told in {Stopwatch.GetElapsedTime(since).TotalSeconds:0.0} s; {(await InfoAsync(port, "used_memory") - empty) / devices:N0} bytes of Redis each, {(GC.GetTotalMemory(true) - heap) / devices:N0} of the relay");

        var (commands, cpu) = (await InfoAsync(port, "total_commands_processed"), await CpuAsync(port));
        await Task.Delay(Rest);
        Say($"at rest {(await InfoAsync(port, "total_commands_processed") - commands) / Rest.TotalSeconds:0} commands a second, {(await CpuAsync(port) - cpu) / Rest.TotalSeconds * 100:0.0} % of a processor of Redis");

        foreach (var kind in new[] { "never asked", "asked before" })
        {
            (commands, since) = (await InfoAsync(port, "total_commands_processed"), Stopwatch.GetTimestamp());
            var missed = 0;
            await Parallel.ForAsync(0, Math.Min(Lookups, devices), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, _) =>
            {
                var places = await there.Finder.FindAsync(new FrameMeta { Service = "https", Name = Name(i) }, new ClosenessRange(0), isFresh: false, CancellationToken.None);
                if (places.Count != 1)
                {
                    Interlocked.Increment(ref missed);
                }
            });
            var took = Stopwatch.GetElapsedTime(since);
            Say($"{Math.Min(Lookups, devices):N0} names {kind}: {Math.Min(Lookups, devices) / took.TotalSeconds:N0} looks a second, {(await InfoAsync(port, "total_commands_processed") - commands) / (double)Math.Min(Lookups, devices):0.0} commands each, {missed} not found");
        }

        Say($"a relay with {devices:N0} grants finds the device of a name in {TimeRoute(devices):0.0} µs");
        Child.Run("redis-cli", ["-p", $"{port}", "flushall"]);
        since = Stopwatch.GetTimestamp();
        while (await InfoAsync(port, "used_memory") < empty + (devices * 100L) || !here.Routes.IsTold)
        {
            await Task.Delay(50);
        }

        Say($"flushed, and told again after {Stopwatch.GetElapsedTime(since).TotalSeconds:0.0} s");
        await stopping.CancelAsync();
        await here.EndAsync();
        await there.EndAsync();
    }

    /// <summary>How long a relay's own table takes for one client, in µs.</summary>
    private static double TimeRoute(int devices)
    {
        const int Looks = 200;
        var table = new RouteTable<object>(static () => RelayBalance.RoundRobin, static () => true);
        for (var i = 0; i < devices; i++)
        {
            table.Add(new object(), new Grant { Domains = [Name(i)] });
        }

        var since = Stopwatch.GetTimestamp();
        for (var i = 0; i < Looks; i++)
        {
            table.Order(new FrameMeta { Service = "https", Name = Name(i * (devices / Looks)) }, static _ => 0);
        }

        return Stopwatch.GetElapsedTime(since).TotalMicroseconds / Looks;
    }

    private static string Name(int device) => string.Create(CultureInfo.InvariantCulture, $"device-{device}.example.com");

    private static void Say(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static async Task<long> InfoAsync(int port, string name) => (long)await ReadAsync(port, name);

    private static async Task<double> CpuAsync(int port) => await ReadAsync(port, "used_cpu_user") + await ReadAsync(port, "used_cpu_sys");

    private static async Task<double> ReadAsync(int port, string name)
    {
        using var client = Process.Start(new ProcessStartInfo("redis-cli", ["-p", $"{port}", "info", "all"]) { RedirectStandardOutput = true })!;
        var all = await client.StandardOutput.ReadToEndAsync();
        var line = all.Split('\n').First(line => line.StartsWith($"{name}:", StringComparison.Ordinal));
        return double.Parse(line[(name.Length + 1)..].Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>A relay, as far as a directory sees one.</summary>
    private sealed class Member : IFleetWatcher, IFleetHost, IAsyncDisposable
    {
        private readonly IFleetDirectory _directory;
        private readonly FleetMember _member;
        private readonly string _name;
        private Task _running = Task.CompletedTask;
        private int _claimed;

        public Member(string name, int port)
        {
            _name = name;
            var options = new FleetOptions
            {
                Directory = DirectoryUri.Parse($"redis://127.0.0.1:{port}"),
                NodeName = name,
                PeerListen = CarrierUri.Parse("tls://127.0.0.1:1"),
                PeerCertificate = null!,
            };
            _directory = FleetLibrary.Open(options.Directory, this, TimeProvider.System);
            _member = new FleetMember(options, _directory, Routes, () => new FleetNode { Name = name }, this, TimeProvider.System);
            Finder = new RouteFinder(_directory, _member, static node => node.Clients, TimeProvider.System);
        }

        public RouteCounts Routes { get; } = new(static () => false);

        public DeviceClaims<Member> Claims { get; } = new();

        public RouteFinder Finder { get; }

        public void Run(CancellationToken cancellationToken) =>
            _running = Task.WhenAll(_member.BeatAsync(cancellationToken), _member.TellAsync(cancellationToken), ClaimAsync(cancellationToken));

        public Task EndAsync() => _running;

        /// <summary>It has joined.</summary>
        public async Task InAsync()
        {
            while (_member.Generation == 0)
            {
                await Task.Delay(10);
            }
        }

        public async Task ToldAsync()
        {
            while (!Routes.IsTold || Volatile.Read(ref _claimed) < Claims.Count)
            {
                await Task.Delay(10);
            }
        }

        public void RouteChanged(string key) => Finder.Changed(key);

        public void DeviceClaimed(DeviceClaim claim)
        {
        }

        public void ChangesMissed() => Finder.Expire();

        public void DirectoryLost(string reason) => Console.Error.WriteLine(reason);

        public void DirectoryFound()
        {
        }

        public void Beaten(bool isAnew, long revokedVersion)
        {
            if (isAnew)
            {
                Claims.TellAll();
            }
        }

        public void Renew(Func<string, bool> isDue) => Claims.Renew(isDue);

        public void WasAway()
        {
        }

        public void Superseded()
        {
        }

        public ValueTask DisposeAsync() => _directory.DisposeAsync();

        private async Task ClaimAsync(CancellationToken cancellationToken)
        {
            try
            {
                for (; ; )
                {
                    var claims = await Claims.TakeAsync(200, cancellationToken);
                    await Task.WhenAll(claims.Select(claim => _directory.ClaimAsync(claim, _name, cancellationToken)));
                    Interlocked.Add(ref _claimed, claims.Count);
                }
            }
            catch (OperationCanceledException)
            {
            }
        }
    }
}
