using System.Text.Json;

namespace MProxy.Protocol.Tests;

public class UnpackVectorTests
{
    public static TheoryData<string> Names() =>
        [.. Vectors.Root.GetProperty("unpack").EnumerateArray().Select(vector => vector.GetProperty("name").GetString()!)];

    [Fact]
    public void Every_entry_of_the_table_names_a_vector() =>
        Assert.Subset(Names().Select(row => row.Data).ToHashSet(), VectorTable.Unpack.Keys.ToHashSet());

    [Theory]
    [MemberData(nameof(Names))]
    public void Unpacks_as_its_verdict_says(string name)
    {
        var vector = Vectors.Get("unpack", name);
        var entry = VectorTable.Of(VectorTable.Unpack, name);
        switch (entry.Verdict)
        {
            case Verdict.Same:
                AssertSame(vector, lenient: false);
                AssertSame(vector, lenient: true);
                break;
            case Verdict.SameLenient:
                AssertSame(vector, lenient: true);
                Assert.Throws<ProtocolException>(() => new Recorder().Feed(Bytes(vector)));
                break;
            case Verdict.Differs when entry.Error is not null:
                foreach (var lenient in new[] { false, true })
                {
                    Assert.Matches(entry.Error, Assert.Throws<ProtocolException>(() => new Recorder(lenient).Feed(Bytes(vector))).Message);
                }

                break;
            default:
                // VectorDifferenceTests asserts ours, one test each.
                Assert.NotNull(entry.Row);
                Assert.Contains(name, VectorDifferenceTests.Covered);
                break;
        }
    }

    private static byte[] Bytes(JsonElement vector) =>
        [.. vector.GetProperty("chunksHex").EnumerateArray().SelectMany(chunk => Convert.FromHexString(chunk.GetString()!))];

    private static void AssertSame(JsonElement vector, bool lenient)
    {
        // As the reference was fed: each event after the very chunk that it fired after.
        var expected = vector.GetProperty("events").EnumerateArray().ToList();
        var recorder = new Recorder(lenient);
        var chunk = 0;
        foreach (var hex in vector.GetProperty("chunksHex").EnumerateArray())
        {
            var before = recorder.Frames.Count;
            recorder.Feed(Convert.FromHexString(hex.GetString()!));
            var due = expected.Count(e => e.GetProperty("afterChunk").GetInt32() == chunk);
            Assert.Equal(due, recorder.Frames.Count - before);
            chunk++;
        }

        Assert.Equal(expected.Count, recorder.Frames.Count);
        foreach (var (e, (frame, _)) in expected.Zip(recorder.Frames))
        {
            AssertSame(e, frame);
        }

        // And under every other chunking: the same frames, each on the byte that completes it.
        var firedAt = recorder.Frames.ConvertAll(fired => fired.FiredAt);
        foreach (var chunks in Recorder.Chunkings(Bytes(vector)))
        {
            var again = new Recorder(lenient);
            foreach (var piece in chunks)
            {
                again.Feed(piece);
            }

            Assert.Equal(firedAt, again.Frames.ConvertAll(fired => fired.FiredAt));
            foreach (var (e, (frame, _)) in expected.Zip(again.Frames))
            {
                AssertSame(e, frame);
            }
        }
    }

    private static void AssertSame(JsonElement e, Frame frame)
    {
        if (e.TryGetProperty("noArgument", out _))
        {
            Assert.Equal(e.Text("handler")!["tunnel".Length..].Replace("Data", "Message", StringComparison.Ordinal), $"{frame.Kind}");
            return;
        }

        Assert.Equal(e.Text("handler"), $"on{frame.Kind}".ToLowerInvariant());
        Assert.Equal(e.Text("family"), frame.Family);
        Assert.Equal(e.Text("address"), frame.Address);
        Assert.Equal(Port(e, "port"), frame.Port);
        Assert.Equal(Port(e, "serviceport"), frame.ServicePort);
        Assert.Equal(e.Text("name"), frame.Name);
        if (frame.Kind is FrameKind.Message or FrameKind.Connection)
        {
            Assert.Equal(e.Text("service"), frame.Service);
        }

        Assert.Equal(e.Text("dataHex") ?? "", Convert.ToHexStringLower(frame.Data));
        if (frame.Kind == FrameKind.Error)
        {
            Assert.Equal(e.Text("message"), frame.Message);
            Assert.Equal(e.Text("code"), frame.Code);
            var properties = ErrorBody.Parse(frame.Data).Properties;
            if (e.TryGetProperty("extra", out var extra))
            {
                Assert.All(extra.EnumerateObject(), member => Assert.Equal(member.Value.GetString(), properties[member.Name]));
            }
        }
    }

    private static int? Port(JsonElement e, string property) =>
        e.Text(property) is { Length: > 0 } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : null;
}
