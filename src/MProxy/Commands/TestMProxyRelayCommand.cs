using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Capture;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Test-MProxyRelay: whether a relay can be used, and how far it comes if not. One object each, never an exception for "no".</summary>
[Cmdlet(VerbsDiagnostic.Test, "MProxyRelay", DefaultParameterSetName = RelaySet)]
[OutputType(typeof(RelayTest))]
public sealed class TestMProxyRelayCommand : DialCommand
{
    // One for all relays, whether they are given or piped in.
    private LinkCapture? _capture;

    /// <summary>The relays to try: tcp, tls, ws, wss or unix.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RelaySet)]
    [Alias("RelayUri")]
    [CarrierUriTransform]
    public CarrierUri[] Relay { get; set; } = [];

    /// <inheritdoc/>
    protected override void BeginProcessing() => _capture = OpenCapture();

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        WarnOfRisks(Relay);
        foreach (var relay in ParameterSetName == StreamSet ? [null] : (IEnumerable<CarrierUri?>)Relay)
        {
            try
            {
                WriteObject(Await(RelayTest.RunAsync(DialOptions("test", relay) with { Capture = _capture }, cancellationToken: StopToken)));
            }
            catch (ArgumentException error)
            {
                ThrowTerminatingError(ErrorRecords.InvalidOption(error, $"{relay}"));
            }
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _capture?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        base.Dispose(disposing);
    }
}
