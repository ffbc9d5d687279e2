using System.Buffers.Binary;
using System.Text;

namespace MProxy.Engine.Relay;

/// <summary>Finds the server name in a TLS ClientHello (RFC 8446, section 4.1.2; RFC 6066, section 3).</summary>
public static class ClientHello
{
    private const byte HandshakeRecord = 22;
    private const byte ClientHelloMessage = 1;
    private const ushort ServerNameExtension = 0;

    /// <summary>The server name in lower case; null where the data is no whole ClientHello in one record, or names none.</summary>
    public static string? FindServerName(ReadOnlySpan<byte> data)
    {
        var record = new Cursor(data);
        if (record.Byte() != HandshakeRecord || record.Take(2).IsEmpty)
        {
            return null;
        }

        var handshake = new Cursor(record.Block16());
        if (handshake.Byte() != ClientHelloMessage)
        {
            return null;
        }

        var hello = new Cursor(handshake.Block24());
        _ = hello.Take(34);   // version and random
        _ = hello.Block8();   // session id
        _ = hello.Block16();  // cipher suites
        _ = hello.Block8();   // compression methods
        var extensions = new Cursor(hello.Block16());
        while (!extensions.AtEnd)
        {
            var type = extensions.UInt16();
            var body = extensions.Block16();
            if (type == ServerNameExtension)
            {
                var names = new Cursor(new Cursor(body).Block16());
                var isHostName = names.Byte() == 0;
                var name = names.Block16();
                return isHostName && !name.IsEmpty ? Encoding.ASCII.GetString(name).ToLowerInvariant() : null;
            }
        }

        return null;
    }

    /// <summary>Reads lengths and blocks; past the end everything is empty or 0, so that hostile lengths end in "no name".</summary>
    private ref struct Cursor(ReadOnlySpan<byte> data)
    {
        private ReadOnlySpan<byte> _rest = data;

        public readonly bool AtEnd => _rest.IsEmpty;

        public ReadOnlySpan<byte> Take(int length)
        {
            if (_rest.Length < length)
            {
                _rest = default;
                return default;
            }

            var taken = _rest[..length];
            _rest = _rest[length..];
            return taken;
        }

        public byte Byte() => Take(1) is [var value] ? value : (byte)0;

        public ushort UInt16() => Take(2) is { Length: 2 } bytes ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : (ushort)0;

        public ReadOnlySpan<byte> Block8() => Take(Byte());

        public ReadOnlySpan<byte> Block16() => Take(UInt16());

        public ReadOnlySpan<byte> Block24() => Take((Byte() << 16) | UInt16());
    }
}
