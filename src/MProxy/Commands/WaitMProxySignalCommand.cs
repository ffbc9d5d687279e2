using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Wait-MProxySignal: what the service manager asks for next, for scripts that run as a service.</summary>
[Cmdlet(VerbsLifecycle.Wait, "MProxySignal")]
[OutputType(typeof(ServiceSignal))]
public sealed class WaitMProxySignalCommand : AsyncCommand
{
    /// <summary>How many seconds to wait at most, 0 to 86400; for ever unless given. Nothing is returned when they are over.</summary>
    [Parameter(Position = 0)]
    [ValidateRange(0.0, 86400)]
    public double? Timeout { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(StopToken);
        if (Timeout is { } seconds)
        {
            waiting.CancelAfter(TimeSpan.FromSeconds(seconds));
        }

        try
        {
            WriteObject(Await(ServiceSignals.WaitAsync(waiting.Token).AsTask()));
        }
        catch (OperationCanceledException) when (!StopToken.IsCancellationRequested)
        {
            // The time is over.
        }
    }
}
