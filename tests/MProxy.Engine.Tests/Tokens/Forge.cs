using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Tokens;

/// <summary>Makes tokens byte by byte, the wrong ones too, and checks signatures without the package under test.</summary>
internal static class Forge
{
    public const string Hs256 = """{"alg":"HS256","typ":"JWT"}""";

    public static readonly byte[] Secret = Encoding.ASCII.GetBytes("a secret of forty bytes, for these tests");
    public static readonly RSA Rsa = RSA.Create(2048);
    public static readonly ECDsa Ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static readonly TokenKey SecretKey = TokenKey.FromSecret(Secret);
    public static readonly TokenKey RsaKey = TokenKey.FromPem(Rsa.ExportPkcs8PrivateKeyPem());
    public static readonly TokenKey EcdsaKey = TokenKey.FromPem(Ecdsa.ExportECPrivateKeyPem());
    public static readonly TokenKey RsaPublic = TokenKey.FromPem(Rsa.ExportSubjectPublicKeyInfoPem());
    public static readonly TokenKey EcdsaPublic = TokenKey.FromPem(Ecdsa.ExportSubjectPublicKeyInfoPem());

    public static readonly DateTimeOffset Now = new(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);

    /// <summary>The key to sign with and the one to check with.</summary>
    public static (TokenKey Signs, TokenKey Checks) Keys(string algorithm) => algorithm switch
    {
        "HS256" => (SecretKey, SecretKey),
        "RS256" => (RsaKey, RsaPublic),
        _ => (EcdsaKey, EcdsaPublic),
    };

    public static string Hmac(string payload, string header = Hs256, byte[]? secret = null) => Hmac(Encoding.UTF8.GetBytes(payload), header, secret);

    public static string Hmac(byte[] payload, string header = Hs256, byte[]? secret = null)
    {
        var signed = $"{Encode(header)}.{Base64Url.EncodeToString(payload)}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret ?? Secret, Encoding.ASCII.GetBytes(signed)))}";
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public static string Decode(string token, int part) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token.Split('.')[part]));

    public static bool IsSigned(string token, string algorithm)
    {
        var at = token.LastIndexOf('.');
        var signed = Encoding.ASCII.GetBytes(token[..at]);
        var signature = Base64Url.DecodeFromChars(token.AsSpan(at + 1));
        return algorithm switch
        {
            "HS256" => HMACSHA256.HashData(Secret, signed).AsSpan().SequenceEqual(signature),
            "RS256" => Rsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            _ => Ecdsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
        };
    }
}
