using System.Globalization;
using System.Management.Automation;
using System.Net;

namespace MProxy.Internal;

/// <summary>Reads an address and port of this machine, or a port alone, which is one of 127.0.0.1. Whether others may reach it is for whoever opens it.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class LocalEndPointTransformAttribute : ArgumentTransformationAttribute
{
    private const string LocalHost = "localhost:";

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) => PSValue.Unwrap(inputData) switch
    {
        IPEndPoint endPoint => endPoint,
        var value => Read($"{value}") ?? throw new ArgumentTransformationMetadataException(
            $"'{value}' is neither an address with a port, such as 127.0.0.1:9464, [::1]:9464 or localhost:9464, nor a port alone, 0 to 65535."),
    };

    private static IPEndPoint? Read(string text)
    {
        if (text.StartsWith(LocalHost, StringComparison.OrdinalIgnoreCase))
        {
            text = text[LocalHost.Length..];
        }

        if (ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return new IPEndPoint(IPAddress.Loopback, port);
        }

        // An address alone would be read too, as one with port 0.
        return IPEndPoint.TryParse(text, out var endPoint) && text.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{endPoint.Port}"), StringComparison.Ordinal)
            && text.Contains(text[0] == '[' ? "]:" : ".", StringComparison.Ordinal)
            ? endPoint
            : null;
    }
}
