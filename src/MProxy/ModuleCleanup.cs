using System.Management.Automation;
using MProxy.Internal;

namespace MProxy;

/// <summary>Ends every tunnel and relay when the module is removed: nothing of it stays behind in the session.</summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        foreach (var (_, tunnel) in Sessions.Tunnels.All)
        {
            Sessions.Tunnels.Stop(tunnel);
        }

        foreach (var (_, relay) in Sessions.Relays.All)
        {
            Sessions.Relays.Stop(relay);
        }
    }
}
