using System.Net;

namespace MProxy.Engine.ProxyProtocol;

/// <summary>Version 1 of the PROXY header: one line of text. It is incomplete exactly as long as some valid line starts like this.</summary>
internal static class ProxyTextHeader
{
    /// <summary>The most bytes of a line, its end included.</summary>
    public const int MaxLength = 107;

    public static ReadOnlySpan<byte> Keyword => "PROXY"u8;

    /// <summary>Reads the line at the start of these bytes, which begin with the keyword.</summary>
    public static (ProxyHeaderStatus Status, ProxyHeader? Header) Read(ReadOnlySpan<byte> data)
    {
        var bounded = data[..Math.Min(data.Length, MaxLength)];
        var end = bounded.IndexOfAny("\r\n"u8);
        var line = end < 0 ? bounded : bounded[..end];
        ReadOnlySpan<byte> lineEnd = end < 0 ? default : bounded[end..Math.Min(bounded.Length, end + 2)];
        var length = line.Length + 2;
        if (length > MaxLength || !"\r\n"u8.StartsWith(lineEnd) || !TryReadLine(line, isWhole: end >= 0, length, out var header))
        {
            return (ProxyHeaderStatus.Malformed, null);
        }

        return lineEnd.Length == 2 ? (ProxyHeaderStatus.Complete, header) : (ProxyHeaderStatus.Incomplete, null);
    }

    /// <summary>Whether a line is valid, or starts as a valid one does. A header comes of a whole line only.</summary>
    private static bool TryReadLine(ReadOnlySpan<byte> line, bool isWhole, int length, out ProxyHeader? header)
    {
        header = new ProxyHeader(ProxyProtocolVersion.V1, length);
        var fields = new Fields(line, isWhole);
        if (!fields.Next().SequenceEqual(Keyword) || fields.AtEnd)
        {
            return fields.IsOpen && line.Length == Keyword.Length;
        }

        var protocol = fields.Next();
        if (fields.IsOpen)
        {
            return "TCP4"u8.StartsWith(protocol) || "TCP6"u8.StartsWith(protocol) || "UNKNOWN"u8.StartsWith(protocol);
        }

        if (protocol.SequenceEqual("UNKNOWN"u8))
        {
            // Whatever follows on the line says nothing.
            return true;
        }

        var isIPv6 = protocol.SequenceEqual("TCP6"u8);
        return (isIPv6 || protocol.SequenceEqual("TCP4"u8)) && TryReadEnds(ref fields, isIPv6, ref header);
    }

    private static bool TryReadEnds(ref Fields fields, bool isIPv6, ref ProxyHeader header)
    {
        var addresses = new IPAddress?[2];
        var ports = new int[2];
        for (var i = 0; i < 4; i++)
        {
            if (fields.AtEnd)
            {
                return false;
            }

            var text = fields.Next();
            if (fields.IsOpen)
            {
                return i < 2 ? ProxyAddressText.IsAddressStart(text, isIPv6) : ProxyAddressText.IsPortStart(text);
            }

            if (!(i < 2 ? ProxyAddressText.TryReadAddress(text, isIPv6, out addresses[i]) : ProxyAddressText.TryReadPort(text, out ports[i - 2])))
            {
                return false;
            }
        }

        header = header with { Source = new IPEndPoint(addresses[0]!, ports[0]), Destination = new IPEndPoint(addresses[1]!, ports[1]) };
        return fields.AtEnd;
    }

    /// <summary>The fields of a line, with one space between each.</summary>
    private ref struct Fields(ReadOnlySpan<byte> line, bool isWhole)
    {
        private ReadOnlySpan<byte> _rest = line;

        /// <summary>The last field that was read is the last of what is there.</summary>
        public bool AtEnd { get; private set; }

        /// <summary>It may go on with bytes that are still to come.</summary>
        public readonly bool IsOpen => AtEnd && !isWhole;

        public ReadOnlySpan<byte> Next()
        {
            var space = _rest.IndexOf((byte)' ');
            AtEnd = space < 0;
            var field = AtEnd ? _rest : _rest[..space];
            _rest = AtEnd ? default : _rest[(space + 1)..];
            return field;
        }
    }
}
