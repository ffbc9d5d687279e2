using System.Runtime.CompilerServices;

namespace MProxy.Module.Tests;

/// <summary>Tests talk to loopback alone: the PowerShell engine would tell its makers which modules it loads, as it does in no mproxy-shell.</summary>
internal static class NoTelemetry
{
    [ModuleInitializer]
    internal static void Set() => Environment.SetEnvironmentVariable("POWERSHELL_TELEMETRY_OPTOUT", "1");
}
