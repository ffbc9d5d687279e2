using System.Security.Cryptography;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Tokens;

public class TokenKeyTests
{
    [Fact]
    public void A_short_secret_is_refused()
    {
        Assert.Equal("The secret has 31 bytes, and HS256 needs at least 32.", Assert.Throws<TokenException>(() => TokenKey.FromSecret(new byte[31])).Message);
        Assert.Equal("HS256", TokenKey.FromSecret(new byte[32]).Algorithm);
    }

    [Fact]
    public void A_small_RSA_key_is_refused()
    {
        using var rsa = RSA.Create(1024);
        foreach (var pem in new[] { rsa.ExportRSAPrivateKeyPem(), rsa.ExportSubjectPublicKeyInfoPem() })
        {
            Assert.Equal("The RSA key has 1024 bits, and RS256 needs at least 2048.", Assert.Throws<TokenException>(() => TokenKey.FromPem(pem)).Message);
        }
    }

    [Theory]
    [InlineData("1.3.132.0.34", 384)]
    [InlineData("1.3.132.0.10", 256)]
    public void A_key_on_another_curve_is_refused(string curve, int bits)
    {
        ECDsa ecdsa;
        try
        {
            ecdsa = ECDsa.Create(ECCurve.CreateFromValue(curve));
        }
        catch (Exception error) when (error is CryptographicException or PlatformNotSupportedException)
        {
            Assert.Skip("This system does not know the curve.");
            return;
        }

        using (ecdsa)
        {
            Assert.Equal(
                $"The elliptic-curve key has {bits} bits on another curve, and ES256 takes P-256 alone.",
                Assert.Throws<TokenException>(() => TokenKey.FromPem(ecdsa.ExportPkcs8PrivateKeyPem())).Message);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("no key at all")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    public void Text_that_is_no_key_is_refused(string pem) => Assert.Equal(
        "The text is no RSA or elliptic-curve key in PEM without a password.", Assert.Throws<TokenException>(() => TokenKey.FromPem(pem)).Message);

    [Fact]
    public void A_key_with_a_password_is_refused() => Text_that_is_no_key_is_refused(Forge.Rsa.ExportEncryptedPkcs8PrivateKeyPem(
        "a password", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));

    [Fact]
    public void A_key_shows_its_algorithm_alone()
    {
        Assert.Equal(["HS256", "RS256", "ES256"], new[] { Forge.SecretKey, Forge.RsaKey, Forge.EcdsaKey }.Select(key => key.ToString()));
        Assert.Equal([true, false, true, false], new[] { Forge.RsaKey, Forge.RsaPublic, Forge.EcdsaKey, Forge.EcdsaPublic }.Select(key => key.CanSign));
    }
}
