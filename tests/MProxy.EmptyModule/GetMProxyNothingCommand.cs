using System.Management.Automation;

namespace MProxy.EmptyModule;

/// <summary>A cmdlet that does nothing, so that its module has one.</summary>
[Cmdlet(VerbsCommon.Get, "MProxyNothing")]
public sealed class GetMProxyNothingCommand : PSCmdlet;
