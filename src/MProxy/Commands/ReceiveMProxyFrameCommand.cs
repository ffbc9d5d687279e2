using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Link;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Receive-MProxyFrame: the frames of a link's clients, one by one as they come, for a device written in script.</summary>
[Cmdlet(VerbsCommunications.Receive, "MProxyFrame")]
[OutputType(typeof(Frame))]
public sealed class ReceiveMProxyFrameCommand : LinkCommand
{
    /// <summary>Stop after this many frames; 0 goes on until the link ends.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int Count { get; set; }

    /// <summary>Stop when no frame has come for this many seconds, 0.01 to 86400; no limit unless given.</summary>
    [Parameter]
    [ValidateRange(0.01, 86400)]
    public double? Timeout { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            for (var received = 0; (Count == 0 || received < Count) && Next() is { } frame; received++)
            {
                WriteObject(frame);
            }
        }
        catch (LinkException error)
        {
            WriteError(ErrorRecords.NoLink(error, Session));
        }
    }

    private Frame? Next()
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(StopToken);
        if (Timeout is { } seconds)
        {
            waiting.CancelAfter(TimeSpan.FromSeconds(seconds));
        }

        try
        {
            return Await(Session.ReceiveFrameAsync(waiting.Token));
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
