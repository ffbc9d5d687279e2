using System.Collections.Specialized;
using System.Globalization;
using System.Text;
using MProxy.Engine.Link;
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
        line["client"] = frame.Kind == FrameKind.Control ? null : PlainText.Of(Encoding.UTF8.GetString(frame.Identity));
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

    private static byte[] End(OrderedDictionary line) => [.. JsonText.Serialize(line), (byte)'\n'];
}
