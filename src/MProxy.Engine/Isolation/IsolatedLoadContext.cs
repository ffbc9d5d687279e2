using System.Reflection;
using System.Runtime.Loader;

namespace MProxy.Engine.Isolation;

/// <summary>
/// Loads a part with packages from its own folder, whatever versions of them other modules have brought into the process.
/// </summary>
/// <param name="name">Shown in the runtime's lists of contexts.</param>
/// <param name="folder">Where the part is. What is in it wins over what is loaded elsewhere; the rest comes from the framework.</param>
/// <param name="shared">Assemblies whose types cross the border: always these very ones, never a second copy.</param>
internal sealed class IsolatedLoadContext(string name, string folder, params Assembly[] shared) : AssemblyLoadContext(name)
{
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (Array.Find(shared, assembly => assembly.GetName().Name == assemblyName.Name) is { } same)
        {
            return same;
        }

        var path = Path.Combine(folder, $"{assemblyName.Name}.dll");
        return File.Exists(path) ? LoadFromAssemblyPath(path) : null;
    }
}
