using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MProxy.Engine.Carriers;

/// <summary>What a PEM file holds.</summary>
internal static class PemFile
{
    public static bool IsPem(ReadOnlySpan<byte> content) => content.IndexOf("-----BEGIN "u8) >= 0;

    /// <summary>The blocks of it, each with its label, in their order.</summary>
    public static IEnumerable<(string Label, string Pem)> Blocks(byte[] content)
    {
        var text = Encoding.Latin1.GetString(content);
        for (var at = 0; PemEncoding.TryFind(text.AsSpan(at), out var fields);)
        {
            yield return (text[(at + fields.Label.Start.Value)..(at + fields.Label.End.Value)], text[(at + fields.Location.Start.Value)..(at + fields.Location.End.Value)]);
            at += fields.Location.End.Value;
        }
    }

    /// <exception cref="CertificateException">There is none, or one is damaged.</exception>
    public static X509Certificate2Collection ReadCertificates(string path, byte[] content)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            foreach (var (label, pem) in Blocks(content))
            {
                if (label == "CERTIFICATE")
                {
                    certificates.Add(X509Certificate2.CreateFromPem(pem));
                }
            }
        }
        catch (CryptographicException error)
        {
            throw new CertificateException($"'{path}' holds a damaged certificate.", error);
        }

        return certificates.Count > 0 ? certificates : throw new CertificateException($"'{path}' holds no certificate.");
    }
}
