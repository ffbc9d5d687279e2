using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Fleet;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Get-MProxyFleet: the relays of a fleet, as those of this session see them.</summary>
[Cmdlet(VerbsCommon.Get, "MProxyFleet")]
[OutputType(typeof(FleetRelay))]
public sealed class GetMProxyFleetCommand : GetSessionCommand
{
    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var job in Find(Sessions.Relays, Name))
        {
            WriteObject(job.Relay.FleetRelays, enumerateCollection: true);
        }
    }
}
