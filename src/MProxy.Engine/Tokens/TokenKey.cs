using System.Security.Cryptography;

namespace MProxy.Engine.Tokens;

/// <summary>A key that signs or checks tokens. Its kind fixes the algorithm, so that no token can choose another. Never shown.</summary>
public sealed class TokenKey
{
    /// <summary>The fewest bytes of a shared secret: as many as the hash of HS256 has (RFC 7518, section 3.2).</summary>
    public const int MinSecretLength = 32;

    private TokenKey(string algorithm, byte[]? secret, AsymmetricAlgorithm? asymmetric, bool canSign)
    {
        Algorithm = algorithm;
        Secret = secret;
        Asymmetric = asymmetric;
        CanSign = canSign;
        Fingerprint = $"{algorithm} {Convert.ToHexString(SHA256.HashData(secret ?? asymmetric!.ExportSubjectPublicKeyInfo()))}";
    }

    /// <summary><c>HS256</c>, <c>RS256</c> or <c>ES256</c>.</summary>
    public string Algorithm { get; }

    /// <summary>A shared secret or a private key; a public key only checks.</summary>
    public bool CanSign { get; }

    /// <summary>The same for keys that check the same tokens: one that is loaded again, and the private key of a public one.</summary>
    internal string Fingerprint { get; }

    internal byte[]? Secret { get; }

    internal AsymmetricAlgorithm? Asymmetric { get; }

    /// <summary>A shared secret for HS256.</summary>
    /// <exception cref="TokenException">It is shorter than 32 bytes.</exception>
    public static TokenKey FromSecret(ReadOnlySpan<byte> secret) => secret.Length >= MinSecretLength
        ? new TokenKey("HS256", secret.ToArray(), null, canSign: true)
        : throw new TokenException($"The secret has {secret.Length} bytes, and HS256 needs at least {MinSecretLength}.");

    /// <summary>A public or private key in PEM: RSA of at least 2048 bits for RS256, a P-256 key for ES256.</summary>
    /// <exception cref="TokenException">No such key can be read from the text.</exception>
    public static TokenKey FromPem(string pem)
    {
        var canSign = pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal);
        if (Import(RSA.Create(), pem) is { } rsa)
        {
            return rsa.KeySize >= 2048
                ? new TokenKey("RS256", null, rsa, canSign)
                : throw new TokenException($"The RSA key has {rsa.KeySize} bits, and RS256 needs at least 2048.");
        }

        if (Import(ECDsa.Create(), pem) is { } ecdsa)
        {
            return IsP256(ecdsa)
                ? new TokenKey("ES256", null, ecdsa, canSign)
                : throw new TokenException($"The elliptic-curve key has {ecdsa.KeySize} bits on another curve, and ES256 takes P-256 alone.");
        }

        throw new TokenException("The text is no RSA or elliptic-curve key in PEM without a password.");
    }

    /// <inheritdoc/>
    public override string ToString() => Algorithm;

    /// <summary>By the curve's name, since other curves have 256 bits too. Windows may name it without a number.</summary>
    private static bool IsP256(ECDsa key) => key.ExportParameters(includePrivateParameters: false).Curve is { IsNamed: true, Oid: var curve }
        && (curve.Value == "1.2.840.10045.3.1.7" || curve.FriendlyName is "nistP256" or "ECDSA_P256");

    private static T? Import<T>(T key, string pem)
        where T : AsymmetricAlgorithm
    {
        try
        {
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return null;
        }
    }
}
