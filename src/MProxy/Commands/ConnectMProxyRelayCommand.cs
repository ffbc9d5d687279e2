using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Connect-MProxyRelay: a link to a relay, for tunnels and scripts.</summary>
[Cmdlet(VerbsCommunications.Connect, "MProxyRelay", DefaultParameterSetName = RelaySet, SupportsShouldProcess = true)]
[OutputType(typeof(DeviceLink))]
public sealed class ConnectMProxyRelayCommand : DialCommand
{
    /// <summary>The relay to dial: tcp, tls, ws, wss or unix.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = RelaySet)]
    [Alias("RelayUri")]
    [CarrierUriTransform]
    public CarrierUri? Relay { get; set; }

    /// <summary>Its name in this session.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>The longest wait in seconds before a lost relay is dialled again, 0.01 to 3600; the first is at most 0.5.</summary>
    [Parameter]
    [ValidateRange(0.01, 3600)]
    public double MaxRetryDelay { get; set; } = 30;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!ShouldProcess($"{Relay?.ToString() ?? "stream"}", "Connect to relay"))
        {
            return;
        }

        WarnOfRisks(Relay is null ? [] : [Relay]);
        try
        {
            WriteObject(NamedStart.Run(this, Sessions.Links, Name, name =>
            {
                var options = DialOptions(name, Relay) with { MaxRetryDelay = TimeSpan.FromSeconds(MaxRetryDelay) };
                var link = Capturing(capture => Await(DeviceLink.ConnectAsync(options with { Capture = capture }, cancellationToken: StopToken)));
                WriteVerbose($"Link '{name}' to {options.Target} is up.");
                return link;
            }));
        }
        catch (LinkException error)
        {
            ThrowTerminatingError(ErrorRecords.ConnectFailed("Connect", error, Relay?.ToString() ?? "stream"));
        }
    }
}
