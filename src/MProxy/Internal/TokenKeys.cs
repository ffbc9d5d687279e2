using System.Management.Automation;
using System.Security;
using MProxy.Engine.Tokens;

namespace MProxy.Internal;

/// <summary>The keys that a relay checks tokens with.</summary>
internal static class TokenKeys
{
    /// <param name="cmdlet">Who asks: it ends with an error where one cannot be used.</param>
    /// <param name="secrets">Shared secrets.</param>
    /// <param name="paths">PEM files with public keys.</param>
    public static TokenKey[] Read(PSCmdlet cmdlet, SecureString[] secrets, string[] paths)
    {
        try
        {
            return
            [
                .. secrets.Select(secret => TokenKey.FromSecret(Secret.RevealBytes(secret))),
                .. paths.Select(path => TokenKey.FromPem(File.ReadAllText(cmdlet.GetUnresolvedProviderPathFromPSPath(path)))),
            ];
        }
        catch (Exception error) when (error is TokenException or IOException or UnauthorizedAccessException)
        {
            cmdlet.ThrowTerminatingError(ErrorRecords.InvalidKey(error, paths));
            throw;
        }
    }
}
