using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Device;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Health;

/// <summary>Probes the local services of a tunnel, each in a loop of its own, until it is stopped.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class ServiceProber(TunnelSettings settings, ServiceCheck check, ServiceBoard board, ResourceLedger ledger, TimeProvider time)
{
    private static readonly TimeSpan MaxStart = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _loops = new(ledger);

    /// <summary>Refuses probes of services that there are not, that are out of range, or whose results no relay could be told.</summary>
    /// <exception cref="ArgumentException">Says why.</exception>
    public static void Check(TunnelOptions options)
    {
        if (options.Probes.Count == 0)
        {
            return;
        }

        if (ServicesMessage.WhyNot(options.Service.Keys) is { } reason)
        {
            throw new ArgumentException(reason);
        }

        HashSet<string> probed = new(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, probe) in options.Probes)
        {
            if (ServiceKeys.TryFold(key) is not { } folded || !options.Service.Keys.Contains(folded, StringComparer.OrdinalIgnoreCase))
            {
                throw new ArgumentException($"There is a health check for '{key}', and no such service.");
            }

            if (!probed.Add(folded))
            {
                throw new ArgumentException($"There are two health checks for the service '{key}'.");
            }

            if (!options.Service[folded].TakesStreams)
            {
                throw new ArgumentException($"The service '{key}' takes datagrams alone, and there is no health check for such a one.");
            }

            probe.Check();
        }
    }

    public void Start()
    {
        var options = settings.Current;
        foreach (var (key, probe) in options.Probes)
        {
            // Soon, so that a service that is not there is known to be down; and not all at once.
            var first = TimeSpan.FromTicks(Math.Min(MaxStart.Ticks, probe.Interval.Ticks)) * options.Random.NextDouble();
            var folded = ServiceKeys.TryFold(key)!;
            _loops.Run(() => RunAsync(folded, probe, first));
        }
    }

    /// <summary>Gives up the probes that are under way.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loops.WhenEmptyAsync().ConfigureAwait(false);
    }

    private async Task RunAsync(string key, ServiceProbe probe, TimeSpan wait)
    {
        var health = new ServiceHealth(probe.Rise, probe.Fall);
        try
        {
            for (; ; wait = probe.Interval)
            {
                await Task.Delay(wait, time, _stopping.Token).ConfigureAwait(false);
                var error = await check.RunAsync(key, settings.Current.Service[key], probe, _stopping.Token).ConfigureAwait(false);
                _stopping.Token.ThrowIfCancellationRequested();
                health.Take(error is null);
                board.Report(key, health.IsUp, error);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
    }
}
