using System.Reflection;

namespace MProxy.Protocol.Tests;

/// <summary>The vectors where the reference and protocol.md part ways, with our side of each.</summary>
public class VectorDifferenceTests
{
    /// <summary>The vectors that the tests of this class take.</summary>
    internal static IReadOnlySet<string> Covered { get; } = typeof(VectorDifferenceTests).GetMethods()
        .SelectMany(method => method.GetCustomAttributes<InlineDataAttribute>())
        .Select(row => (string)row.Data[0]!).ToHashSet();

    [Theory]
    [InlineData("error non-json", "boom", "626f6f6d")]
    [InlineData("error no body", "", "")]
    [InlineData("error space body", "", "")]
    [InlineData("error json string", "\"boom\"", "22626f6f6d22")]
    [InlineData("error json null", "null", "6e756c6c")]
    [InlineData("error body invalid utf8", "\uFFFD\uFFFD", "fffe")]
    public void An_error_body_that_is_no_object_is_the_message(string vector, string message, string dataHex)
    {
        var frame = Assert.Single(Read(vector));
        Assert.Equal((FrameKind.Error, message, ErrorBody.UnknownCode), (frame.Kind, frame.Message, frame.Code));
        Assert.Equal(dataHex, Convert.ToHexStringLower(frame.Data));
    }

    [Theory]
    [InlineData("one-space padded end (oldways)")]
    public void A_padding_space_is_no_body(string vector)
    {
        var frame = Assert.Single(Read(vector));
        Assert.Equal((FrameKind.End, 1L, 0), (frame.Kind, frame.Length, frame.Data.Length));
    }

    [Theory]
    [InlineData("error json string then next frame")]
    public void The_frame_after_a_strange_error_is_read(string vector) =>
        Assert.Equal([FrameKind.Error, FrameKind.Message], Read(vector).Select(frame => frame.Kind));

    [Theory]
    [InlineData("handler throws")]
    public void Frames_after_a_handler_that_throws_are_read(string vector)
    {
        var scanner = new FrameScanner();
        List<FrameKind> kinds = [];
        foreach (var chunk in Chunks(vector))
        {
            ReadOnlySpan<byte> input = chunk;
            for (; ; )
            {
                try
                {
                    if (!scanner.TryRead(ref input, out var slice))
                    {
                        break;
                    }

                    kinds.Add(slice.Header.Kind);
                    throw new NotSupportedException("a handler's own failure");
                }
                catch (NotSupportedException)
                {
                }
            }
        }

        Assert.Equal([FrameKind.Message, FrameKind.End, FrameKind.Message], kinds);
    }

    [Theory]
    [InlineData("pause, no onpause handler falls to onmessage")]
    public void A_pause_is_a_pause(string vector) => Assert.Equal(FrameKind.Pause, Assert.Single(Read(vector)).Kind);

    [Theory]
    [InlineData("port not numeric", 1)]
    [InlineData("address with comma shifts length", 0)]
    public void A_port_that_is_no_number_is_refused_or_null(string vector, int frames)
    {
        Assert.Contains("port", Assert.Throws<ProtocolException>(() => Read(vector)).Message, StringComparison.Ordinal);
        var read = Read(vector, lenient: true);
        Assert.Equal(frames, read.Count);
        Assert.All(read, frame => Assert.Null(frame.Port));
    }

    private static List<Frame> Read(string vector, bool lenient = false)
    {
        var recorder = new Recorder(lenient);
        foreach (var chunk in Chunks(vector))
        {
            recorder.Feed(chunk);
        }

        return recorder.Frames.ConvertAll(fired => fired.Frame);
    }

    private static IEnumerable<byte[]> Chunks(string vector) => Vectors.Get("unpack", vector)
        .GetProperty("chunksHex").EnumerateArray().Select(chunk => Convert.FromHexString(chunk.GetString()!));
}
