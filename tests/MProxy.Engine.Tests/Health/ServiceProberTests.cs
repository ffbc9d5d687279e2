using MProxy.Engine.Device;
using MProxy.Engine.Health;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Health;

/// <summary>The loops that probe, at a clock that the test moves, and what they make of a tunnel's services.</summary>
public sealed class ServiceProberTests : IAsyncDisposable
{
    // No other timer is set to this length.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(17);

    private readonly ManualTime _time = new();
    private readonly ResourceLedger _ledger = new();
    private readonly List<string> _events = [];
    private readonly ProbedWeb _web = new("web");
    private readonly FrontService _service;
    private int _changes;
    private ServiceBoard? _board;
    private ServiceProber? _prober;
    private TunnelSettings? _settings;

    public ServiceProberTests() => _service = new FrontService(_web.ServeAsync);

    private ServiceStatus App => Assert.Single(_board!.Statuses, status => status.Key == "app");

    public async ValueTask DisposeAsync()
    {
        await (_prober?.StopAsync() ?? Task.CompletedTask);
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{_ledger}");
        await _service.DisposeAsync();
    }

    [Fact]
    public async Task A_service_goes_down_with_the_third_failure_and_up_with_the_second_success()
    {
        var start = _time.GetUtcNow();
        Start("http:/health");
        await FirstAsync();
        Assert.Equal(new ServiceStatus("app", App.Target, ServiceState.Up, start, null), App);
        await NextAsync(503);
        await NextAsync(503);
        Assert.Equal((ServiceState.Up, "it answers 503"), (App.State, App.LastError));
        await NextAsync(200);
        await NextAsync(503);
        await NextAsync(503);
        Assert.Empty(_events);
        await NextAsync(503);
        Assert.Equal($"The service app={_service.Target} is down: it answers 503. New clients go elsewhere until it is up.", Assert.Single(_events));
        Assert.Equal((ServiceState.Down, _time.GetUtcNow(), "it answers 503"), (App.State, App.Since, App.LastError));
        var since = _time.GetUtcNow();
        await NextAsync(200);
        await NextAsync(500);
        Assert.Equal((ServiceState.Down, since, "it answers 500"), (App.State, App.Since, App.LastError));
        await NextAsync(200);
        Assert.Single(_events);
        await NextAsync(200);
        Assert.Equal($"The service app={_service.Target} is up again. It gets new clients.", _events[^1]);
        Assert.Equal((ServiceState.Up, _time.GetUtcNow(), null), (App.State, App.Since, App.LastError));
        Assert.Equal(2, _changes);
    }

    [Fact]
    public async Task The_first_probe_decides_alone()
    {
        _web.Health = 404;
        Start("http:/health");
        Assert.Equal(ServiceState.Up, App.State);
        await FirstAsync();
        Assert.Equal((ServiceState.Down, "it answers 404"), (App.State, App.LastError));
    }

    [Fact]
    public async Task A_service_that_is_draining_stays_so_whatever_its_probes_say()
    {
        Start("http:/health");
        await FirstAsync();
        Assert.True(_board!.SetDraining("APP", true));
        Assert.False(_board.SetDraining("app", true));
        Assert.True(_board.IsDraining("app"));
        Assert.Equal($"The service app={_service.Target} is draining: no new clients come, and those there are may finish.", _events[^1]);
        var since = App.Since;
        await NextAsync(503);
        await NextAsync(503);
        await NextAsync(503);
        Assert.Equal($"The service app={_service.Target} is down: it answers 503.", _events[^1]);
        Assert.Equal((ServiceState.Draining, since, "it answers 503"), (App.State, App.Since, App.LastError));
        Assert.True(_board.SetDraining("app", false));
        Assert.False(_board.SetDraining("app", false));
        Assert.Equal($"The service app={_service.Target} is no longer draining, but down: new clients go elsewhere until it is up.", _events[^1]);
        Assert.Equal((ServiceState.Down, _time.GetUtcNow()), (App.State, App.Since));
        Assert.Equal(3, _changes);
        Assert.Equal("This tunnel has no service 'ap'.", Assert.Throws<ArgumentException>(() => _board.SetDraining("ap", true)).Message);
    }

    [Fact]
    public async Task A_service_that_is_not_probed_is_up()
    {
        _web.Health = 404;
        Start("http:/health");
        await FirstAsync();
        Assert.Equal([new("*", new AnnouncedService(ServiceState.Up)), new("app", new AnnouncedService(ServiceState.Down))], _board!.States);
    }

    [Fact]
    public async Task Each_service_has_its_own_loop_and_a_first_time_by_chance()
    {
        Start("tcp", "tcp");
        await _time.TimersAsync(TimeSpan.FromMilliseconds(250));
        await _time.TimersAsync(TimeSpan.FromMilliseconds(750));
        Assert.Equal(2, _ledger.Loops);
        _time.Advance(TimeSpan.FromMilliseconds(250));
        await _time.TimersAsync(Interval);
        await _time.TimersAsync(TimeSpan.FromMilliseconds(500));
        await Until.TrueAsync(() => _service.ClientCount == 1);
        _time.Advance(TimeSpan.FromMilliseconds(500));
        await _time.TimersAsync(Interval);
        await Until.TrueAsync(() => _service.ClientCount == 2);
    }

    [Fact]
    public async Task A_probe_that_is_under_way_does_not_hold_up_the_end()
    {
        var stuck = new TaskCompletionSource();
        await using var service = new FrontService(_ => stuck.Task);
        Start(Options(service.Target, ServiceProbe.Parse("http:/health")));
        await _time.TimersAsync(TimeSpan.FromMilliseconds(250));
        _time.Advance(TimeSpan.FromMilliseconds(250));
        await Until.TrueAsync(() => service.ClientCount == 1);
        await _prober!.StopAsync().WaitAsync(TimeSpan.FromSeconds(20), FrontWorld.Token);
        Assert.Equal((ServiceState.Up, null), (App.State, App.LastError));
    }

    [Fact]
    public async Task A_change_leaves_alone_what_is_probed_as_before()
    {
        Start("http:/health", "tcp");
        await _time.TimersAsync(TimeSpan.FromMilliseconds(750));
        await FirstAsync();
        _time.Advance(TimeSpan.FromMilliseconds(500));
        await _time.TimersAsync(Interval);
        await _time.TimersAsync(Interval - TimeSpan.FromMilliseconds(500));

        // One path is another: that loop begins anew, and the other one keeps its time.
        await ChangeAsync(ServiceProbe.Parse("http:/"), ServiceProbe.Parse("tcp"));
        await _time.TimersAsync(TimeSpan.FromMilliseconds(250));
        await _time.TimersAsync(Interval);
        await _time.TimersAsync(Interval - TimeSpan.FromMilliseconds(500), count: 0);
        await Until.TrueAsync(() => _ledger.Loops == 2);
        await ChangeAsync(ServiceProbe.Parse("http:/"));
        await _time.TimersAsync(Interval, count: 0);
        await Until.TrueAsync(() => _ledger.Loops == 1);
        await ChangeAsync();
        await Until.TrueAsync(() => _ledger.Loops == 0);

        // Behind the end, nothing begins.
        await _prober!.StopAsync();
        await ChangeAsync(ServiceProbe.Parse("tcp"));
        Assert.Equal(0, _ledger.Loops);
    }

    [Fact]
    public void Probes_that_cannot_be_are_refused()
    {
        var options = Options(_service.Target, ServiceProbe.Parse("tcp"));
        Start("tcp");
        ServiceProber.Check(options);
        Refuse("There is a health check for 'ap', and no such service.", options, ("ap", new ServiceProbe()));
        Refuse("There is a health check for 'a..example', and no such service.", options, ("a..example", new ServiceProbe()));
        Refuse("There are two health checks for the service 'App'.", options, ("app", new ServiceProbe()), ("App", new ServiceProbe()));
        var datagrams = options with { Service = new ServiceMap([new("app", LocalTarget.Parse("udp://127.0.0.1:53"))]) };
        Refuse("The service 'app' takes datagrams alone, and there is no health check for such a one.", datagrams, ("app", new ServiceProbe()));
        Refuse("Rise of a service's probe is from 1 to 100.", options, ("app", new ServiceProbe { Rise = 0 }));
        var many = options with { Service = new ServiceMap(Enumerable.Range(0, 301).Select(i => KeyValuePair.Create($"s{i}", new LocalTarget("local", 1)))) };
        Refuse("There are 301 services, and a relay can be told of 300 at most which of them get new clients.", many, ("s1", new ServiceProbe()));
        ServiceProber.Check(many with { HealthChecks = HealthChecks.None });
    }

    private static void Refuse(string reason, TunnelOptions options, params (string Key, ServiceProbe Probe)[] probes) =>
        Assert.Equal(reason, Assert.Throws<ArgumentException>(() => ServiceProber.Check(options with { HealthChecks = new(probes.Select(entry => KeyValuePair.Create(entry.Key, entry.Probe))) })).Message);

    private static TunnelOptions Options(string target, params ServiceProbe[] probes) => new()
    {
        Name = "t",
        Service = new ServiceMap([new("app", LocalTarget.Parse(target)), new("*", LocalTarget.Parse(target))]),
        HealthChecks = new(new[] { "app", "*" }.Zip(probes, (key, probe) => KeyValuePair.Create(key, probe with { Interval = Interval }))),
        Random = new Quarters(),
    };

    private void Start(params string[] probes) => Start(Options(_service.Target, Array.ConvertAll(probes, ServiceProbe.Parse)));

    private void Start(TunnelOptions options)
    {
        _board = new ServiceBoard(options.Service, _events.Add, () => _changes++, _time);
        _settings = new TunnelSettings(options);
        _prober = new ServiceProber(_settings, new ServiceCheck(_settings, _ledger, _time), _board, _ledger, _time);
        _prober.Start();
    }

    private async Task ChangeAsync(params ServiceProbe[] probes)
    {
        var next = Options(_service.Target, probes) with { Random = _settings!.Current.Random };
        await _prober!.StopAsync(next);
        _settings.Current = next;
        _prober.Start();
    }

    /// <summary>The first probe, and its result.</summary>
    private async Task FirstAsync()
    {
        await _time.TimersAsync(TimeSpan.FromMilliseconds(250));
        _time.Advance(TimeSpan.FromMilliseconds(250));
        await _time.TimersAsync(Interval);
    }

    /// <summary>The next one, which is answered with this, and its result.</summary>
    private async Task NextAsync(int status)
    {
        _web.Health = status;
        var before = _web.Probes.Count;
        _time.Advance(Interval);
        await _time.TimersAsync(Interval);
        Assert.Equal(before + 1, _web.Probes.Count);
    }

    /// <summary>One quarter, three quarters, and so on.</summary>
    private sealed class Quarters : Random
    {
        private double _next = 0.75;

        public override double NextDouble() => _next = 1 - _next;
    }
}
