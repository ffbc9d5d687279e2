using System.Management.Automation;
using MProxy.Internal;

namespace MProxy;

/// <summary>Ends every tunnel, link and relay of the session when the module is removed: nothing of it stays behind.</summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        ServiceSignals.Release();
        Sessions.StopAllAsync(SessionOwner.Current).GetAwaiter().GetResult();
    }
}
