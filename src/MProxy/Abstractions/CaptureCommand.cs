using System.Management.Automation;
using MProxy.Engine.Capture;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>A cmdlet that makes links whose frames can be written to a file.</summary>
public abstract class CaptureCommand : KeyLogCommand
{
    /// <summary>A file for the frames of all links, which may not be there yet. Beside it, their times get one that ends in .times.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CapturePath { get; set; }

    /// <summary>The clients whose frames are captured, with the wildcards * and ?; without it all, and control messages too.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string? CaptureSocketId { get; set; }

    /// <summary>Capture no bodies: who said something and when, but not what.</summary>
    [Parameter]
    public SwitchParameter CaptureHeadersOnly { get; set; }

    /// <summary>How many bytes both files may hold together; full, the capture stops and the link goes on.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long CaptureMaxLength { get; set; } = CaptureOptions.DefaultMaxLength;

    /// <summary>Starts something with the capture that is asked for; null for none. What was started keeps it open.</summary>
    private protected T Capturing<T>(Func<LinkCapture?, T> start)
    {
        var capture = OpenCapture();
        try
        {
            return start(capture);
        }
        finally
        {
            capture?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>The capture that is asked for; null for none. A key log begins with it.</summary>
    private protected LinkCapture? OpenCapture()
    {
        OpenKeyLog();
        if (CapturePath is null)
        {
            if (MyInvocation.BoundParameters.Keys.FirstOrDefault(IsOfCapture) is { } idle)
            {
                ThrowTerminatingError(ErrorRecords.InvalidOption(new ArgumentException($"-{idle} goes with -CapturePath."), idle));
            }

            return null;
        }

        var path = SessionState.Path.GetUnresolvedProviderPathFromPSPath(CapturePath, out var provider, out _);
        try
        {
            var capture = LinkCapture.Open(new CaptureOptions
            {
                Path = provider.Name == "FileSystem" ? path : throw new CaptureException($"'{CapturePath}' is no path of a file system."),
                SocketId = CaptureSocketId,
                HeadersOnly = CaptureHeadersOnly,
                MaxLength = CaptureMaxLength,
            });
            if (!CaptureHeadersOnly)
            {
                WriteWarning($"The capture '{path}' holds what clients send and receive. Tokens are left out of control messages, and of nothing else.");
            }

            return capture;
        }
        catch (CaptureException error)
        {
            ThrowTerminatingError(ErrorRecords.CaptureUnavailable(error, CapturePath));
            throw;
        }
    }

    private static bool IsOfCapture(string parameter) => typeof(CaptureCommand).GetProperty(parameter) is { } property && property.DeclaringType == typeof(CaptureCommand);
}
