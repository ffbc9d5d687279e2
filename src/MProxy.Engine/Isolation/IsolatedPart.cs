using MProxy.Protocol;

namespace MProxy.Engine.Isolation;

/// <summary>A part of the product that has packages, and is therefore loaded from a folder of its own beside this assembly, in a context of its own.</summary>
/// <param name="folder">The folder.</param>
/// <param name="assembly">The assembly in it.</param>
/// <param name="type">The type in that which is made, by its full name.</param>
/// <typeparam name="T">What that is to the engine.</typeparam>
internal sealed class IsolatedPart<T>(string folder, string assembly, string type)
    where T : class
{
    private readonly object _gate = new();
    private T? _loaded;

    /// <summary>The one of this process; loaded when first asked for, and any thread may ask.</summary>
    /// <exception cref="IsolatedPartException">It is not where it must be, or cannot be loaded. Asking again tries again.</exception>
    public T Load()
    {
        lock (_gate)
        {
            return _loaded ??= LoadFrom(Path.Combine(Path.GetDirectoryName(typeof(IsolatedPart<T>).Assembly.Location) ?? AppContext.BaseDirectory, folder));
        }
    }

    /// <summary>Another one from a folder, in a new load context.</summary>
    public T LoadFrom(string from)
    {
        var path = Path.GetFullPath(Path.Combine(from, $"{assembly}.dll"));
        if (!File.Exists(path))
        {
            throw new IsolatedPartException($"'{path}' is missing. It belongs to the module; install or build it again.");
        }

        var context = new IsolatedLoadContext(assembly, Path.GetDirectoryName(path)!, typeof(T).Assembly, typeof(Frame).Assembly);
        try
        {
            return (T)Activator.CreateInstance(context.LoadFromAssemblyPath(path).GetType(type, throwOnError: true)!)!;
        }
        catch (Exception error) when (error is IOException or BadImageFormatException or TypeLoadException or MissingMethodException or InvalidCastException)
        {
            throw new IsolatedPartException($"'{path}' cannot be loaded. {error.Message}", error);
        }
    }
}
