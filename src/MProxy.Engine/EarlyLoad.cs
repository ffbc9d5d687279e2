using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Loader;
using MProxy.Engine.Tokens;

namespace MProxy.Engine;

/// <summary>
/// Loads the libraries that another refers to, which the runtime would do at their first use. A process that has no descriptors left cannot load any:
/// the first client to end at such a moment would fail, and all behind it, since what failed once to come up stays so.
/// </summary>
internal static class EarlyLoad
{
    private static readonly ConcurrentDictionary<Assembly, bool> Done = [];

    /// <summary>What a relay or a tunnel needs in its life.</summary>
    /// <param name="withTokens">It checks tokens.</param>
    public static void OfEngine(bool withTokens)
    {
        ReferencesOf(typeof(EarlyLoad).Assembly);
        if (withTokens)
        {
            try
            {
                ReferencesOf(TokenLibrary.Load().GetType().Assembly);
            }
            catch (TokenException)
            {
                // Whoever comes with a token will be told.
            }
        }
    }

    /// <summary>Once for each library.</summary>
    private static void ReferencesOf(Assembly assembly)
    {
        if (!Done.TryAdd(assembly, true))
        {
            return;
        }

        var context = AssemblyLoadContext.GetLoadContext(assembly) ?? AssemblyLoadContext.Default;
        foreach (var reference in assembly.GetReferencedAssemblies())
        {
            try
            {
                context.LoadFromAssemblyName(reference);
            }
            catch (Exception error) when (error is IOException or BadImageFormatException)
            {
                // Whoever needs it will be told.
            }
        }
    }
}
