using System.Buffers.Binary;
using System.Net.Security;
using System.Security.Authentication;
using System.Text;

namespace MProxy.Engine.Tests.Routing;

/// <summary>Makes ClientHellos: real ones, and others byte by byte, the wrong ones too.</summary>
internal static class HelloBuilder
{
    public const ushort Padding = 21;
    public const ushort EncryptedClientHello = 0xfe0d;
    public const ushort Grease = 0x7a7a;

    /// <summary>What the client of this framework sends first.</summary>
    public static async Task<byte[]> CaptureAsync(string? host)
    {
        using var wire = new DeadEnd();
        using var client = new SslStream(wire);
        await Assert.ThrowsAnyAsync<Exception>(() => client.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = host, EnabledSslProtocols = SslProtocols.None }, TestContext.Current.CancellationToken));
        Assert.NotEmpty(wire.Sent);
        return [.. wire.Sent];
    }

    public static byte[] Extension(ushort type, params byte[] content) => [.. Number16(type), .. Block16(content)];

    public static byte[] NameExtension(string host) => Extension(0, Block16(HostEntry(host)));

    public static byte[] HostEntry(string host, byte type = 0) => [type, .. Block16(Encoding.Latin1.GetBytes(host))];

    /// <summary>A body with these extensions; null for none at all, not even their length.</summary>
    public static byte[] Body(params byte[][]? extensions) =>
        [3, 3, .. new byte[32], 0, .. Block16([0x0a, 0x0a, 0x13, 0x01]), 1, 0, .. extensions is null ? [] : Block16([.. extensions.SelectMany(bytes => bytes)])];

    public static byte[] Message(byte[] body, byte type = 1) => [type, (byte)(body.Length >> 16), .. Number16(body.Length & 0xffff), .. body];

    public static byte[] Record(byte[] content, byte type = 22, byte minor = 1) => [type, 3, minor, .. Block16(content)];

    public static byte[] Hello(params byte[][]? extensions) => Record(Message(Body(extensions)));

    /// <summary>The same message, scattered over records of this length.</summary>
    public static byte[] InRecordsOf(int length, byte[] message) => [.. message.Chunk(length).SelectMany(chunk => Record(chunk))];

    /// <summary>The message in a single record.</summary>
    public static byte[] MessageOf(byte[] record) => record[5..];

    public static byte[] Block16(byte[] content) => [.. Number16(content.Length), .. content];

    private static byte[] Number16(int value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, checked((ushort)value));
        return bytes;
    }

    /// <summary>Takes what is written, and has nothing to read.</summary>
    private sealed class DeadEnd : MemoryStream
    {
        public List<byte> Sent { get; } = [];

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(0);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Sent.AddRange(buffer.Span);
            return default;
        }
    }
}
