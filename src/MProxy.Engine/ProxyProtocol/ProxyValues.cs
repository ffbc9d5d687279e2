using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Unicode;

namespace MProxy.Engine.ProxyProtocol;

/// <summary>The values by type at the end of a binary PROXY header. The name and the checksum are read, any other is skipped.</summary>
internal static class ProxyValues
{
    /// <summary>The bytes of type and length in front of each value.</summary>
    public const int StartLength = 3;

    /// <summary>The most bytes of a name, as in TLS and at other receivers.</summary>
    public const int MaxNameLength = 255;

    public const byte NameType = 0x02;
    public const byte ChecksumType = 0x03;

    private const int ChecksumLength = 4;

    /// <summary>Whether the values fill the rest of the header exactly, the checksum is right, and neither it nor the name comes twice.</summary>
    /// <param name="header">The whole header and nothing else.</param>
    /// <param name="at">Where the values begin in it.</param>
    /// <param name="name">The name; null where there is none, or an empty one.</param>
    public static bool TryRead(ReadOnlySpan<byte> header, int at, out string? name)
    {
        name = null;
        var hasName = false;
        var hasChecksum = false;
        while (at < header.Length)
        {
            var start = at + StartLength;
            if (start > header.Length)
            {
                return false;
            }

            var type = header[at];
            var length = BinaryPrimitives.ReadUInt16BigEndian(header[(at + 1)..]);
            at = start + length;
            if (at > header.Length)
            {
                return false;
            }

            var value = header[start..at];
            if ((type == NameType && (hasName || !TryReadName(value, out name)))
                || (type == ChecksumType && (hasChecksum || length != ChecksumLength || BinaryPrimitives.ReadUInt32BigEndian(value) != Checksum(header, start))))
            {
                return false;
            }

            hasName |= type == NameType;
            hasChecksum |= type == ChecksumType;
        }

        return true;
    }

    /// <summary>The bytes of a name; null where it is none that a reader would take.</summary>
    public static byte[]? WriteName(string? name)
    {
        Span<byte> bytes = stackalloc byte[MaxNameLength];
        return !string.IsNullOrEmpty(name) && IsName(name)
            && Utf8.FromUtf16(name, bytes, out _, out var length, replaceInvalidSequences: false) == OperationStatus.Done ? bytes[..length].ToArray() : null;
    }

    /// <summary>CRC-32C of the header as it was before its checksum was put in, which is with zeros there.</summary>
    /// <param name="header">The whole header.</param>
    /// <param name="checksumAt">Where the checksum is in it.</param>
    public static uint Checksum(ReadOnlySpan<byte> header, int checksumAt)
    {
        var sum = uint.MaxValue;
        for (var i = 0; i < header.Length; i++)
        {
            sum = BitOperations.Crc32C(sum, i >= checksumAt && i < checksumAt + ChecksumLength ? (byte)0 : header[i]);
        }

        return ~sum;
    }

    private static bool TryReadName(ReadOnlySpan<byte> value, out string? name)
    {
        name = value.IsEmpty ? null : Encoding.UTF8.GetString(value);
        return value.Length <= MaxNameLength && Utf8.IsValid(value) && (name is null || IsName(name));
    }

    /// <summary>A comma would end the field that a name has in the header of a frame.</summary>
    private static bool IsName(string text) => !text.Any(c => char.IsControl(c) || c == ',');
}
