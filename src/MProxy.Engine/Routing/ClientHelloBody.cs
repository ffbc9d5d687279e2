using System.Buffers.Binary;

namespace MProxy.Engine.Routing;

/// <summary>What is in a ClientHello message (RFC 8446, section 4.1.2). Extensions that are not known here are stepped over, GREASE and ECH too.</summary>
internal static class ClientHelloBody
{
    private const ushort ServerNameExtension = 0;
    private const byte HostName = 0;

    /// <summary>Reads the body to its end.</summary>
    /// <param name="body">The message without its header, whole.</param>
    /// <param name="name">The folded server name; null where it asks for none.</param>
    /// <returns>False where anything in it is wrong, a name that cannot be folded included.</returns>
    public static bool TryReadName(ReadOnlySpan<byte> body, out string? name)
    {
        name = null;
        var hello = new Cursor(body);
        var version = hello.Take(2);
        _ = hello.Take(32);
        var session = hello.Block8();
        var suites = hello.Block16();
        var compressions = hello.Block8();
        if (hello.IsBroken || version[0] != 3 || session.Length > 32 || suites.IsEmpty || suites.Length % 2 != 0 || compressions.IsEmpty)
        {
            return false;
        }

        if (hello.AtEnd)
        {
            // Before TLS 1.2, a hello might end here (RFC 5246, section 7.4.1.2).
            return true;
        }

        var extensions = new Cursor(hello.Block16());
        return !hello.IsBroken && hello.AtEnd && TryFindName(extensions, out name);
    }

    private static bool TryFindName(Cursor extensions, out string? name)
    {
        name = null;
        HashSet<ushort> seen = [];
        while (!extensions.AtEnd)
        {
            var type = extensions.UInt16();
            var content = extensions.Block16();
            if (extensions.IsBroken || !seen.Add(type) || (type == ServerNameExtension && (name = ReadServerName(content)) is null))
            {
                name = null;
                return false;
            }
        }

        return true;
    }

    /// <summary>A list of exactly one host name: of several, readers would take different ones.</summary>
    private static string? ReadServerName(ReadOnlySpan<byte> content)
    {
        var extension = new Cursor(content);
        var list = new Cursor(extension.Block16());
        var type = list.Byte();
        var host = list.Block16();
        return !extension.IsBroken && extension.AtEnd && !list.IsBroken && list.AtEnd && type == HostName ? ServerName.TryFold(host) : null;
    }

    /// <summary>Reads numbers and blocks. Past the end everything is empty or 0, and the cursor is broken from then on.</summary>
    private ref struct Cursor(ReadOnlySpan<byte> data)
    {
        private ReadOnlySpan<byte> _rest = data;

        public readonly bool AtEnd => _rest.IsEmpty;

        public bool IsBroken { get; private set; }

        public ReadOnlySpan<byte> Take(int length)
        {
            if (_rest.Length < length)
            {
                _rest = default;
                IsBroken = true;
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
    }
}
