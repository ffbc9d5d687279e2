using System.Management.Automation;
using MProxy.Internal;

namespace MProxy;

/// <summary>Ends every tunnel, link and relay when the module is removed: nothing of it stays behind in the session.</summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        ServiceSignals.Release();

        // Tunnels first: they may stand on links.
        Sessions.Tunnels.StopAllAsync().GetAwaiter().GetResult();
        Sessions.Links.StopAllAsync().GetAwaiter().GetResult();
        Sessions.Relays.StopAllAsync().GetAwaiter().GetResult();
    }
}
