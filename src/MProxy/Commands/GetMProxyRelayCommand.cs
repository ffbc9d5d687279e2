using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Relay;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Get-MProxyRelay: the relays of this session.</summary>
[Cmdlet(VerbsCommon.Get, "MProxyRelay")]
[OutputType(typeof(RelayJob))]
public sealed class GetMProxyRelayCommand : GetSessionCommand
{
    /// <inheritdoc/>
    protected override void ProcessRecord() => Write(Sessions.Relays);
}
