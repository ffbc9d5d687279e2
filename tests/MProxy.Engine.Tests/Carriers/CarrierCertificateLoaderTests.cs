using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Carriers;

public sealed class CarrierCertificateLoaderTests : IDisposable
{
    private const string Password = "pass word";
    private readonly string _folder = Directory.CreateTempSubdirectory("mp").FullName;
    private readonly X509Certificate2 _leaf;
    private readonly X509Certificate2 _intermediate;
    private readonly string _leafPem;
    private readonly string _keyPem;
    private readonly string _encryptedKeyPem;

    public CarrierCertificateLoaderTests()
    {
        (_leaf, _intermediate, _) = TestCertificate.Chain();
        _leafPem = _leaf.ExportCertificatePem() + "\n";
        using var key = _leaf.GetECDsaPrivateKey()!;
        _keyPem = key.ExportPkcs8PrivateKeyPem() + "\n";
        _encryptedKeyPem = key.ExportEncryptedPkcs8PrivateKeyPem(Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)) + "\n";
    }

    [Fact]
    public void A_PEM_file_with_its_key_and_chain_is_read() =>
        AssertLoads(Write("# text\n" + _leafPem + _keyPem + _intermediate.ExportCertificatePem()), null, null);

    [Fact]
    public void A_key_of_a_file_of_its_own_is_read() =>
        AssertLoads(Write(_leafPem + _intermediate.ExportCertificatePem()), Write(_keyPem), null);

    [Fact]
    public void The_certificate_of_the_key_is_found_wherever_it_is() =>
        AssertLoads(Write(_intermediate.ExportCertificatePem() + "\n" + _leafPem), Write(_keyPem), "not needed");

    [Fact]
    public void An_encrypted_key_is_read_with_its_password() =>
        AssertLoads(Write(_leafPem + _encryptedKeyPem + _intermediate.ExportCertificatePem()), null, Password);

    [Theory]
    [InlineData(null)]
    [InlineData(Password)]
    public void A_PFX_is_read_whatever_its_name_is(string? password) =>
        AssertLoads(Write(new X509Certificate2Collection { _intermediate, _leaf }.Export(X509ContentType.Pfx, password)!), null, password);

    [Fact]
    public void A_binary_certificate_with_a_key_in_PEM_is_read()
    {
        var (certificate, chain) = CertificateLoader.Load(Write(_leaf.RawData), Write(_keyPem), null);
        Assert.True(certificate.HasPrivateKey);
        Assert.Empty(chain);
    }

    [Fact]
    public void A_missing_key_is_told()
    {
        Fails("no private key", Write(_leafPem), null, null);
        Fails("no private key", Write(_leafPem), Write(_leafPem), null);
        Fails("no private key", Write(_leaf.RawData), null, null);
        Fails("no private key", Write(_intermediate.Export(X509ContentType.Pfx)), null, null);
    }

    [Fact]
    public void A_key_of_another_certificate_is_told()
    {
        using var other = ECDsa.Create();
        using var rsa = RSA.Create(2048);
        Fails("belongs to no certificate", Write(_leafPem), Write(other.ExportPkcs8PrivateKeyPem()), null);
        Fails("belongs to no certificate", Write(_leafPem), Write(rsa.ExportPkcs8PrivateKeyPem()), null);
    }

    [Fact]
    public void A_wrong_password_is_told_and_not_repeated()
    {
        var pfx = Write(_leaf.Export(X509ContentType.Pfx, Password));
        Fails("password is wrong", pfx, null, "secret");
        Fails("need a password", pfx, null, null);
        Fails("password is wrong", Write(_leafPem + _encryptedKeyPem), null, "secret");
        Fails("give its password", Write(_leafPem + _encryptedKeyPem), null, null);
    }

    [Fact]
    public void What_is_no_certificate_is_told()
    {
        Fails("neither PEM nor PFX", Write("hello"), null, null);
        Fails("neither PEM nor PFX", Write([]), null, null);
        Fails("no certificate", Write(_keyPem), null, null);
        Fails("damaged", Write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), null, null);
        Fails("cannot be read", Path.Combine(_folder, "absent"), null, null);
        Fails("cannot be read", Write(_leafPem), Path.Combine(_folder, "absent"), null);
        Fails("cannot be read", _folder, null, null);
    }

    [Fact]
    public async Task What_was_loaded_serves_TLS()
    {
        var (certificate, chain) = CertificateLoader.Load(Write(_leafPem + _keyPem), null, null);
        await using var world = CarrierWorld.Open("tls://127.0.0.1:0", new ListenOptions { Certificate = certificate, CertificateChain = chain });
        var (device, _) = await world.ConnectAsync(CarrierWorld.Direct with { Thumbprint = [CertificatePins.Sha256(_leaf)] });
        Assert.Equal(CertificatePins.Sha256(_leaf), device.PeerThumbprint);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void AssertLoads(string path, string? keyPath, string? password)
    {
        var (certificate, chain) = CertificateLoader.Load(path, keyPath, password);
        Assert.Equal(_leaf.Thumbprint, certificate.Thumbprint);
        Assert.True(certificate.HasPrivateKey);
        Assert.Equal(_intermediate.Thumbprint, Assert.Single(chain).Thumbprint);
    }

    private static void Fails(string said, string path, string? keyPath, string? password)
    {
        var error = Assert.Throws<CertificateException>(() => CertificateLoader.Load(path, keyPath, password));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
    }

    private string Write(string text) => Write(System.Text.Encoding.ASCII.GetBytes(text));

    private string Write(byte[] content)
    {
        var path = Path.Combine(_folder, Path.GetRandomFileName());
        File.WriteAllBytes(path, content);
        return path;
    }
}
