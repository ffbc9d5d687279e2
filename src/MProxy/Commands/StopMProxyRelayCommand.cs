using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Relay;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Stop-MProxyRelay: ends relays with every client of theirs.</summary>
[Cmdlet(VerbsLifecycle.Stop, "MProxyRelay", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class StopMProxyRelayCommand : StopSessionCommand
{
    /// <summary>The relay itself, as Start- and Get-MProxyRelay return it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputSet)]
    [ValidateNotNull]
    public RelayJob? InputObject { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Stop(Sessions.Relays, InputObject);
}
