using System.Collections.Specialized;
using System.Globalization;
using MProxy.Engine.Http;
using MProxy.Engine.Relay;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Internal;

/// <summary>The input of the published compatibility check: JSON that names an address and a file with the body.</summary>
internal sealed record PackManifestFile(FrameMeta Meta, byte[] Data)
{
    /// <summary>Reads manifest and body. The name is the data's TLS server name, else its HTTP host, as the reference's own tool does it.</summary>
    /// <exception cref="InvalidDataException">Not JSON, or a member is missing or wrong.</exception>
    public static PackManifestFile Read(string path)
    {
        if (!JsonText.TryParse(File.ReadAllBytes(path), out var json) || json is not OrderedDictionary manifest)
        {
            throw new InvalidDataException("it is no JSON object (names and texts stand in double quotes).");
        }

        if (manifest.Contains("version") && manifest["version"] is not 1L)
        {
            throw new InvalidDataException($"version is {manifest["version"]}, and 1 is the only one there is.");
        }

        var address = manifest["address"] as OrderedDictionary ?? throw new InvalidDataException("the object 'address' is missing.");
        var file = manifest["filepath"] as string ?? throw new InvalidDataException("the text 'filepath' is missing.");
        var data = File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(path)!, file));
        return new PackManifestFile(
            new FrameMeta
            {
                Family = address["family"] as string ?? throw new InvalidDataException("the text 'address.family' is missing."),
                Address = address["address"] as string ?? throw new InvalidDataException("the text 'address.address' is missing."),
                Port = Port(address, "port") ?? throw new InvalidDataException("'address.port' is missing."),
                Service = address["service"] as string,
                ServicePort = Port(address, "serviceport"),
                Name = ClientHello.FindServerName(data) ?? HttpHostName.Find(data),
            },
            data);
    }

    private static int? Port(OrderedDictionary address, string member) => address[member] switch
    {
        null => null,
        long number and >= 0 and <= ushort.MaxValue => (int)number,
        string text when ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
        _ => throw new InvalidDataException($"'address.{member}' is no number from 0 to 65535."),
    };
}
