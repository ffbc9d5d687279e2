using MProxy.Engine.Isolation;

namespace MProxy.Engine.Tokens;

/// <summary>Finds the token service, which has packages and is therefore kept apart in the folder <c>tokens</c> beside this assembly.</summary>
public static class TokenLibrary
{
    private static readonly IsolatedPart<ITokenService> Part = new("tokens", "MProxy.Tokens", "MProxy.Tokens.TokenService");

    /// <summary>The one token service of this process; loaded when first asked for, and any thread may ask.</summary>
    /// <exception cref="TokenException">The service is not where it must be, or cannot be loaded. Asking again tries again.</exception>
    public static ITokenService Load() => Try(Part.Load);

    /// <summary>A service from a folder, in a new load context.</summary>
    internal static ITokenService LoadFrom(string folder) => Try(() => Part.LoadFrom(folder));

    private static ITokenService Try(Func<ITokenService> load)
    {
        try
        {
            return load();
        }
        catch (IsolatedPartException error)
        {
            throw new TokenException($"Tokens cannot be used: {error.Message}", error);
        }
    }
}
