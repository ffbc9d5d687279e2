using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Runtime.InteropServices;

namespace MProxy.Internal;

/// <summary>
/// Stays with a relay or tunnel until it ends: its state as progress, its events on the information stream. A stop of the pipeline leaves its clients
/// a while to finish, in the background; an interrupt meanwhile cuts that short.
/// </summary>
internal sealed class Foreground : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);
    private static readonly string[] Tags = ["MProxy"];

    private readonly PSCmdlet _cmdlet;
    private readonly SessionJob _job;
    private readonly AutoResetEvent _happened = new(initialState: true);
    private long _at;
    private (long In, long Out) _before;

    private Foreground(PSCmdlet cmdlet, SessionJob job)
    {
        _cmdlet = cmdlet;
        _job = job;
        job.Output.DataAdded += Wake;
        job.StateChanged += Wake;
    }

    /// <summary>Refuses a drain without a wait.</summary>
    /// <param name="cmdlet">Who starts a job.</param>
    /// <param name="waits">It waits for its end.</param>
    /// <param name="drain">The parameter that says how long clients may take to finish.</param>
    public static void Check(PSCmdlet cmdlet, bool waits, string drain)
    {
        if (!waits && cmdlet.MyInvocation.BoundParameters.TryGetValue(drain, out var seconds))
        {
            cmdlet.ThrowTerminatingError(ErrorRecords.InvalidOption(new ArgumentException($"-{drain} is for a wait with -Wait. Without, the Stop cmdlet has it."), seconds));
        }
    }

    /// <summary>Returns a job that has just begun, and stays with it where that is asked for.</summary>
    /// <param name="cmdlet">Who returns it.</param>
    /// <param name="job">The job.</param>
    /// <param name="drain">How long clients may take to finish when the wait is stopped; null for no wait.</param>
    /// <param name="stop">Stops the wait.</param>
    public static void Give(PSCmdlet cmdlet, SessionJob job, TimeSpan? drain, CancellationToken stop)
    {
        if (drain is { } time)
        {
            Run(cmdlet, job, time, stop);
        }
        else
        {
            cmdlet.WriteObject(job);
        }
    }

    private static void Run(PSCmdlet cmdlet, SessionJob job, TimeSpan drain, CancellationToken stop)
    {
        using var foreground = new Foreground(cmdlet, job);
        job.MayFinish = true;
        try
        {
            cmdlet.WriteObject(job);
            while (!stop.IsCancellationRequested && !job.IsOver)
            {
                foreground.Show();
                WaitHandle.WaitAny([foreground._happened, stop.WaitHandle], Tick);
            }

            foreground.ShowEnd();
        }
        finally
        {
            // Also where the pipeline was stopped while something was written to it. What is over already has its name free when this returns.
            var ending = DrainAsync(job, drain);
            if (job.IsOver)
            {
                ending.GetAwaiter().GetResult();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _job.StateChanged -= Wake;
        _job.Output.DataAdded -= Wake;
        _happened.Dispose();
    }

    private static async Task DrainAsync(SessionJob job, TimeSpan drain)
    {
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            _ = job.StopAsync();
        });
        await job.StopAsync(drain).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        JobTables.RemoveStopped(job);
    }

    private void Wake(object? sender, EventArgs happened)
    {
        try
        {
            _happened.Set();
        }
        catch (ObjectDisposedException)
        {
            // The last one came too late.
        }
    }

    private void Show()
    {
        foreach (var happened in _job.Output.ReadAll())
        {
            _cmdlet.WriteInformation(happened, Tags);
        }

        if (_at == 0 || Stopwatch.GetElapsedTime(_at) >= Tick)
        {
            _cmdlet.WriteProgress(new ProgressRecord(_job.Id, $"{_job.PSJobTypeName} {_job.Name}", Status()));
        }
    }

    private void ShowEnd()
    {
        Show();
        _cmdlet.WriteProgress(new ProgressRecord(_job.Id, $"{_job.PSJobTypeName} {_job.Name}", "-") { RecordType = ProgressRecordType.Completed });
        foreach (var error in _job.Error.ReadAll())
        {
            _cmdlet.WriteError(error);
        }
    }

    private string Status()
    {
        var (now, moved) = (Stopwatch.GetTimestamp(), (In: _job.BytesIn, Out: _job.BytesOut));
        var seconds = _at == 0 ? double.PositiveInfinity : Stopwatch.GetElapsedTime(_at, now).TotalSeconds;
        var (rateIn, rateOut) = ((long)((moved.In - _before.In) / seconds), (long)((moved.Out - _before.Out) / seconds));
        (_at, _before) = (now, moved);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{_job.StatusMessage}, in {Display.Size(rateIn)}/s, out {Display.Size(rateOut)}/s{(_job.RoundTrip is { } time ? $", round trip {Display.Milliseconds(time)}" : "")}");
    }
}
