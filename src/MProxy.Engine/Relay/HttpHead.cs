using System.Text;

namespace MProxy.Engine.Relay;

/// <summary>Finds the host in the head of an HTTP/1.x request (RFC 9112, section 3.2).</summary>
public static class HttpHead
{
    /// <summary>The Host in lower case and without port; null where the data starts with no request line, or names none.</summary>
    public static string? FindHost(ReadOnlySpan<byte> data)
    {
        var end = data.IndexOf("\r\n\r\n"u8);
        var lines = Encoding.Latin1.GetString(end < 0 ? data : data[..end]).Split("\r\n");
        if (lines.Length < 2 || !IsRequestLine(lines[0]))
        {
            return null;
        }

        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line.AsSpan(0, colon).Equals("host", StringComparison.OrdinalIgnoreCase))
            {
                return WithoutPort(line[(colon + 1)..].Trim(' ', '\t').ToLowerInvariant());
            }
        }

        return null;
    }

    private static bool IsRequestLine(string line) =>
        line.Split(' ') is [{ Length: > 0 }, { Length: > 0 }, "HTTP/1.1" or "HTTP/1.0"];

    private static string WithoutPort(string host)
    {
        var colon = host.LastIndexOf(':');
        return colon > host.LastIndexOf(']') ? host[..colon] : host;
    }
}
