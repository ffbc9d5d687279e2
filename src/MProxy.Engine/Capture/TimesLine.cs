using System.Collections.Specialized;
using System.Globalization;
using System.Text;
using MProxy.Protocol;

namespace MProxy.Engine.Capture;

/// <summary>The lines of a capture's times: one JSON object each, since peers choose what stands in a client's identity.</summary>
internal static class TimesLine
{
    /// <param name="frame">The frame.</param>
    /// <param name="offset">Where it starts in the file of the frames.</param>
    /// <param name="time">When the last of it was seen.</param>
    /// <param name="kept">The body's length in that file.</param>
    public static byte[] OfFrame(CapturedFrame frame, long offset, DateTimeOffset time, int kept)
    {
        var line = Start(offset, time, frame.Source);
        line["kind"] = frame.Kind.ToString();
        line["client"] = frame.Kind == FrameKind.Control ? null : Encoding.UTF8.GetString(frame.Identity);
        line["length"] = frame.Length;
        line["kept"] = kept;
        return End(line);
    }

    /// <summary>Frames are missing here: the disk was too slow.</summary>
    public static byte[] OfDropped(long count, long offset, DateTimeOffset time)
    {
        var line = Start(offset, time);
        line["dropped"] = count;
        return End(line);
    }

    /// <summary>The bytes of one direction are no frames from here on.</summary>
    public static byte[] OfUnreadable(CapturedFrame frame, long offset, DateTimeOffset time)
    {
        var line = Start(offset, time, frame.Source);
        line["unreadable"] = frame.Unreadable;
        return End(line);
    }

    private static OrderedDictionary Start(long offset, DateTimeOffset time, CaptureSource? source = null)
    {
        var line = new OrderedDictionary
        {
            ["offset"] = offset,
            ["time"] = time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
        };
        if (source is not null)
        {
            line["connection"] = source.Connection;
            line["link"] = source.Link;
            line["direction"] = source.Direction;
        }

        return line;
    }

    private static byte[] End(OrderedDictionary line)
    {
        var json = JsonText.Serialize(line);
        return [.. json.AsSpan().ContainsAnyExceptInRange((byte)' ', (byte)'~') ? Escape(json) : json, (byte)'\n'];
    }

    /// <summary>JSON need not escape all that does something to a terminal, and a file of lines is shown on one.</summary>
    private static byte[] Escape(byte[] json)
    {
        var escaped = new StringBuilder(json.Length);
        foreach (var letter in Encoding.UTF8.GetString(json))
        {
            _ = PlainText.IsPlain(letter) ? escaped.Append(letter) : escaped.Append(CultureInfo.InvariantCulture, $@"\u{(int)letter:x4}");
        }

        return Encoding.UTF8.GetBytes(escaped.ToString());
    }
}
