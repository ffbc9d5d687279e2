using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Device;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Health;

/// <summary>Probes the local services of a tunnel, each in a loop of its own, until it is stopped.</summary>
internal sealed class ServiceProber(TunnelSettings settings, ServiceCheck check, ServiceBoard board, ResourceLedger ledger, TimeProvider time)
{
    private static readonly TimeSpan MaxStart = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly Dictionary<string, Loop> _loops = new(StringComparer.OrdinalIgnoreCase);
    private readonly TaskSet _tasks = new(ledger);
    private bool _isStopped;

    /// <summary>How each service is probed, by its key. Those that are not have no entry.</summary>
    public static IReadOnlyDictionary<string, ServiceProbe> ProbesOf(TunnelOptions options) => options.HealthChecks.For(options.Service)
        .ToDictionary(entry => ServiceKeys.TryFold(entry.Key)!, entry => entry.Value, StringComparer.OrdinalIgnoreCase);

    /// <summary>Refuses probes of services that there are not, that are out of range, or whose results no relay could be told.</summary>
    /// <exception cref="ArgumentException">Says why.</exception>
    public static void Check(TunnelOptions options)
    {
        if (options.HealthChecks.IsNone)
        {
            return;
        }

        if (ServicesMessage.WhyNot(options.Service.Keys) is { } reason)
        {
            throw new ArgumentException(reason);
        }

        HashSet<string> probed = new(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, probe) in options.HealthChecks.For(options.Service))
        {
            if (!options.Service.Has(key))
            {
                throw new ArgumentException($"There is a health check for '{key}', and no such service.");
            }

            var folded = ServiceKeys.TryFold(key)!;
            if (!probed.Add(folded))
            {
                throw new ArgumentException($"There are two health checks for the service '{key}'.");
            }

            if (options.Service[folded] is { IsProbeable: false } target)
            {
                throw new ArgumentException($"The service '{key}' {(target.Handler is null ? "takes datagrams alone" : "is not dialled")}, and there is no health check for such a one.");
            }

            probe.Check();
        }
    }

    /// <summary>Begins to probe the services of now that are not probed yet.</summary>
    public void Start()
    {
        var options = settings.Current;
        lock (_gate)
        {
            if (_isStopped)
            {
                return;
            }

            foreach (var (key, probe) in ProbesOf(options))
            {
                if (!_loops.ContainsKey(key))
                {
                    // Soon, so that a service that is not there is known to be down; and not all at once.
                    var first = TimeSpan.FromTicks(Math.Min(MaxStart.Ticks, probe.Interval.Ticks)) * options.Random.NextDouble();
                    var loop = _loops[key] = new Loop(probe, options.Service[key]);
                    _tasks.Run(() => RunAsync(key, loop, first));
                }
            }
        }
    }

    /// <summary>Gives up the probes that other options do not have like this, also those under way. Nothing more is reported by them then.</summary>
    public Task StopAsync(TunnelOptions next)
    {
        var probes = ProbesOf(next);
        return StopAsync((key, loop) => !probes.TryGetValue(key, out var probe) || probe != loop.Probe || next.Service[key] != loop.Target);
    }

    /// <summary>Gives up all, for ever.</summary>
    public async Task StopAsync()
    {
        lock (_gate)
        {
            _isStopped = true;
        }

        await StopAsync((_, _) => true).ConfigureAwait(false);
        await _tasks.WhenEmptyAsync().ConfigureAwait(false);
    }

    private async Task StopAsync(Func<string, Loop, bool> isOver)
    {
        KeyValuePair<string, Loop>[] over;
        lock (_gate)
        {
            over = [.. _loops.Where(entry => isOver(entry.Key, entry.Value))];
            Array.ForEach(over, entry => _loops.Remove(entry.Key));
        }

        await Task.WhenAll(over.Select(entry => entry.Value.StopAsync())).ConfigureAwait(false);
    }

    private async Task RunAsync(string key, Loop loop, TimeSpan wait)
    {
        var probe = loop.Probe;
        var health = new ServiceHealth(probe.Rise, probe.Fall);
        try
        {
            for (; ; wait = probe.Interval)
            {
                await Task.Delay(wait, time, loop.Stopping).ConfigureAwait(false);
                var error = await check.RunAsync(key, loop.Target, probe, loop.Stopping).ConfigureAwait(false);
                loop.Stopping.ThrowIfCancellationRequested();
                health.Take(error is null);
                board.Report(key, health.IsUp, error);
            }
        }
        catch (OperationCanceledException) when (loop.Stopping.IsCancellationRequested)
        {
        }
        finally
        {
            loop.Ended();
        }
    }

    /// <summary>The probing of one service.</summary>
    [SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
    private sealed class Loop(ServiceProbe probe, LocalTarget target)
    {
        private readonly CancellationTokenSource _stopping = new();
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ServiceProbe Probe => probe;

        public LocalTarget Target => target;

        public CancellationToken Stopping => _stopping.Token;

        public void Ended() => _ended.TrySetResult();

        public async Task StopAsync()
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
            await _ended.Task.ConfigureAwait(false);
        }
    }
}
