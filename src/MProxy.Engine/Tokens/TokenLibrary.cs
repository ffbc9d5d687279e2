using MProxy.Protocol;

namespace MProxy.Engine.Tokens;

/// <summary>Finds the token service, which has packages and is therefore kept apart in the folder <c>tokens</c> beside this assembly.</summary>
public static class TokenLibrary
{
    private const string FolderName = "tokens";
    private const string AssemblyName = "MProxy.Tokens";
    private const string TypeName = "MProxy.Tokens.TokenService";

    private static readonly object Gate = new();
    private static ITokenService? _service;

    /// <summary>The one token service of this process; loaded when first asked for, and any thread may ask.</summary>
    /// <exception cref="TokenException">The service is not where it must be, or cannot be loaded. Asking again tries again.</exception>
    public static ITokenService Load()
    {
        lock (Gate)
        {
            return _service ??= LoadFrom(Path.Combine(Path.GetDirectoryName(typeof(TokenLibrary).Assembly.Location) ?? AppContext.BaseDirectory, FolderName));
        }
    }

    /// <summary>A service from a folder, in a new load context.</summary>
    internal static ITokenService LoadFrom(string folder)
    {
        var path = Path.GetFullPath(Path.Combine(folder, $"{AssemblyName}.dll"));
        if (!File.Exists(path))
        {
            throw new TokenException($"Tokens cannot be used: '{path}' is missing. It belongs to the module; install or build it again.");
        }

        var context = new IsolatedLoadContext(AssemblyName, Path.GetDirectoryName(path)!, typeof(ITokenService).Assembly, typeof(Frame).Assembly);
        try
        {
            return (ITokenService)Activator.CreateInstance(context.LoadFromAssemblyPath(path).GetType(TypeName, throwOnError: true)!)!;
        }
        catch (Exception error) when (error is IOException or BadImageFormatException or TypeLoadException or MissingMethodException or InvalidCastException)
        {
            throw new TokenException($"Tokens cannot be used: '{path}' cannot be loaded. {error.Message}", error);
        }
    }
}
