using System.Text;
using System.Text.Json;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Capture;

/// <summary>A capture that was read back: frames, the line of each, and the lines of what is missing. Reading it checks that they fit together.</summary>
internal sealed record CaptureContent(IReadOnlyList<Frame> Frames, IReadOnlyList<JsonElement> Lines, IReadOnlyList<JsonElement> Notes)
{
    public static CaptureContent Read(byte[] bytes, byte[] times)
    {
        var all = Encoding.UTF8.GetString(times).Split('\n');
        Assert.Equal("", all[^1]);
        JsonElement[] lines = [.. all[..^1].Select(line => JsonDocument.Parse(line).RootElement)];
        var content = new CaptureContent(
            ReadFrames(bytes),
            [.. lines.Where(line => line.TryGetProperty("kind", out _))],
            [.. lines.Where(line => !line.TryGetProperty("kind", out _))]);
        Assert.Equal(content.Frames.Select(frame => frame.Offset), content.Lines.Select(line => line.GetProperty("offset").GetInt64()));
        foreach (var (frame, line) in content.Frames.Zip(content.Lines))
        {
            Assert.Equal($"{frame.Kind}", Text(line, "kind"));
            Assert.Equal(frame.SocketId, Text(line, "client"));
            Assert.Equal(frame.Length, line.GetProperty("kept").GetInt64());
            Assert.True(frame.Length <= line.GetProperty("length").GetInt64() || frame.Kind == FrameKind.Control);
        }

        string[] stamps = [.. lines.Select(line => Text(line, "time")!)];
        Assert.All(stamps, stamp => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", stamp));
        Assert.Equal(stamps.Order(StringComparer.Ordinal), stamps);
        return content;
    }

    public static string? Text(JsonElement line, string member) => line.GetProperty(member).GetString();

    /// <summary>What one client's messages held in one direction, one after the other.</summary>
    public byte[] Bytes(string socketId, string direction) =>
        [.. Of(socketId, direction).Where(frame => frame.Kind is FrameKind.Message).SelectMany(frame => frame.Data)];

    public IEnumerable<Frame> Of(string? socketId, string direction) =>
        Frames.Zip(Lines).Where(pair => pair.First.SocketId == socketId && Text(pair.Second, "direction") == direction).Select(pair => pair.First);

    private static List<Frame> ReadFrames(ReadOnlySpan<byte> bytes)
    {
        var reader = new FrameReader();
        List<Frame> frames = [];
        while (reader.TryRead(ref bytes, out var frame))
        {
            frames.Add(frame);
        }

        reader.Complete();
        return frames;
    }
}
