using System.Buffers;

namespace MProxy.Engine.Http;

/// <summary>Which bytes may stand where in a head (RFC 9110, section 5.6.2; RFC 9112, section 5).</summary>
internal static class HttpBytes
{
    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>A byte of a method or of a header's name.</summary>
    public static bool IsToken(byte value) => TokenBytes.Contains(value);

    /// <summary>A method or a header's name.</summary>
    public static bool IsToken(ReadOnlySpan<byte> bytes) => !bytes.IsEmpty && !bytes.ContainsAnyExcept(TokenBytes);

    /// <summary>A byte of a header's value: any but control characters, of which the tab alone may be there.</summary>
    public static bool IsText(byte value) => value is (byte)'\t' or (>= 0x20 and not 0x7f);

    /// <summary>A header's value.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            if (!IsText(value))
            {
                return false;
            }
        }

        return true;
    }
}
