using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Connect-MProxyRelay: a link to a relay, for tunnels and scripts.</summary>
[Cmdlet(VerbsCommunications.Connect, "MProxyRelay", DefaultParameterSetName = RelaySet)]
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
        var name = Name ?? Sessions.Links.NextName();
        if (Sessions.Links.Contains(name))
        {
            ThrowTerminatingError(ErrorRecords.NameInUse("link", name));
        }

        WarnOfRisks(Relay is null ? [] : [Relay]);
        var options = DialOptions(name, Relay) with { MaxRetryDelay = TimeSpan.FromSeconds(MaxRetryDelay) };
        try
        {
            var link = Wait(DeviceLink.ConnectAsync(options, cancellationToken: StopToken));
            if (!Sessions.Links.TryAdd(name, link))
            {
                link.StopAsync().GetAwaiter().GetResult();
                ThrowTerminatingError(ErrorRecords.NameInUse("link", name));
            }

            WriteVerbose($"Link '{name}' to {options.Target} is up.");
            WriteObject(link);
        }
        catch (LinkException error) when (error.InnerException is ArgumentException wrong)
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(wrong, options.Target));
        }
        catch (LinkException error)
        {
            ThrowTerminatingError(ErrorRecords.ConnectFailed("Connect", error, options.Target));
        }
    }
}
