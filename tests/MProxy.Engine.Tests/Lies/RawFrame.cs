using System.Text;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Lies;

/// <summary>Frames put together by hand, as no encoder would: nothing of them need be true.</summary>
internal static class RawFrame
{
    /// <summary>A header, whatever it says, and what follows it.</summary>
    /// <param name="header">Longer than 255 bytes its length wraps, as an old peer's does.</param>
    /// <param name="body">What follows; the header may declare something else.</param>
    /// <param name="version">The first byte.</param>
    public static byte[] Of(string header, ReadOnlySpan<byte> body = default, byte version = WireFormat.Version1)
    {
        var bytes = Encoding.UTF8.GetBytes(header);
        return [version, (byte)bytes.Length, .. bytes, .. body];
    }

    public static byte[] Control(string json) => Of($",,,{Encoding.UTF8.GetByteCount(json)},control", Encoding.UTF8.GetBytes(json));

    /// <summary>A frame about a client.</summary>
    /// <param name="identity">Family, address and port.</param>
    /// <param name="verb">A verb, or the service of a message.</param>
    /// <param name="place">The service port, the name, and for a connection the service.</param>
    /// <param name="body">The body.</param>
    public static byte[] Client(string identity, string verb, string place, ReadOnlySpan<byte> body = default) => Of($"{identity},{body.Length},{verb},{place}", body);
}
