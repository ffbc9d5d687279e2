using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;
using MProxy.Engine.Tokens;

namespace MProxy.Tokens;

/// <summary>The package's view of our keys.</summary>
internal static class PackageKeys
{
    /// <summary>Without the package's cache, which would keep keys alive after the relay they belong to.</summary>
    public static readonly CryptoProviderFactory Factory = new() { CacheSignatureProviders = false };

    public static SecurityKey Of(TokenKey key)
    {
        SecurityKey packaged = key switch
        {
            { Secret: { } secret } => new SymmetricSecurityKey(secret),
            { Asymmetric: RSA rsa } => new RsaSecurityKey(rsa),
            { Asymmetric: ECDsa ecdsa } => new ECDsaSecurityKey(ecdsa),
            _ => throw new TokenException($"A key for {key.Algorithm} is of no known kind."),
        };
        packaged.CryptoProviderFactory = Factory;
        return packaged;
    }

    public static SigningCredentials ForSigning(TokenKey key) => new(Of(key), key.Algorithm) { CryptoProviderFactory = Factory };
}
