using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Tokens;

namespace MProxy.Tokens;

/// <summary>Checks that one of the keys signed a token.</summary>
internal static class Signature
{
    /// <summary>
    /// Tries the keys of exactly the token's algorithm, each with its own. A key is thus only ever used as what it is: a public key,
    /// which everyone may know, is never the secret of HS256. The header's <c>kid</c> is the token's own word and chooses nothing.
    /// </summary>
    /// <remarks>
    /// The package checks signatures alone. Its handler would read the claims as well, by other rules than ours, and what it cannot
    /// read it calls invalid without telling which of both was wrong.
    /// </remarks>
    /// <returns>The key that signed it.</returns>
    /// <exception cref="TokenException">None of them did.</exception>
    public static TokenKey Check(CompactToken token, IReadOnlyList<TokenKey> keys)
    {
        var candidates = keys.Where(key => string.Equals(key.Algorithm, token.Algorithm, StringComparison.Ordinal)).ToArray();
        if (candidates.Length == 0)
        {
            throw new TokenException("The token's algorithm is that of none of this relay's keys.");
        }

        var signed = Encoding.ASCII.GetBytes(token.Signed);
        return Array.Find(candidates, key => IsBy(key, signed, token.Signature))
            ?? throw new TokenException("The token's signature is by none of this relay's keys.");
    }

    private static bool IsBy(TokenKey key, byte[] signed, byte[] signature)
    {
        using var provider = PackageKeys.Factory.CreateForVerifying(PackageKeys.Of(key), key.Algorithm);
        try
        {
            return provider.Verify(signed, signature);
        }
        catch (CryptographicException)
        {
            // Some systems throw where a signature has a length that none could have.
            return false;
        }
    }
}
