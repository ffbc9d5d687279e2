using System.Text;
using System.Text.Json;

namespace MProxy.Protocol.Tests;

public class PackVectorTests
{
    public static TheoryData<string> Names() =>
        [.. Vectors.Root.GetProperty("pack").EnumerateArray().Select(vector => vector.GetProperty("name").GetString()!)];

    [Fact]
    public void Every_entry_of_the_table_names_a_vector() =>
        Assert.Subset(Names().Select(row => row.Data).ToHashSet(), VectorTable.Pack.Keys.ToHashSet());

    [Theory]
    [MemberData(nameof(Names))]
    public void Packs_as_its_verdict_says(string name)
    {
        var vector = Vectors.Get("pack", name);
        var entry = VectorTable.Of(VectorTable.Pack, name);
        switch (entry.Verdict)
        {
            case Verdict.Same:
                Assert.Equal(vector.Text("expectedHex"), Convert.ToHexStringLower(Pack(vector)));
                break;
            case Verdict.Differs:
                Assert.Contains(entry.Error!, Assert.Throws<FrameFieldException>(() => Pack(vector)).Message, StringComparison.Ordinal);
                break;
            default:
                Assert.NotNull(entry.Row);
                Assert.True(vector.TryGetProperty("throws", out _));
                break;
        }
    }

    [Fact]
    public void The_published_identities_are_ours()
    {
        var bytes = FrameEncoder.Encode(FrameKind.End, new FrameMeta { Family = "IPv6", Address = "::1", Port = 5 }, default);
        ReadOnlySpan<byte> input = bytes;
        Assert.True(new FrameReader().TryRead(ref input, out var frame));
        Assert.Equal(Vectors.Root.GetProperty("ids")[1].GetString(), frame.SocketId);
    }

    private static byte[] Pack(JsonElement vector)
    {
        var service = vector.Text("service");
        var kind = service is null ? FrameKind.Message : Verb.ToKind(Encoding.UTF8.GetBytes(service));
        var meta = Meta(vector.GetProperty("meta"));
        if (kind == FrameKind.Message && !string.IsNullOrEmpty(service))
        {
            meta = meta with { Service = service };
        }

        // pack() writes the body and pads; packHeader() does what its two flags say.
        var isPack = vector.Text("op") == "pack";
        var andBody = isPack || vector.GetProperty("andBody").GetBoolean();
        var padded = isPack || vector.GetProperty("oldways").GetBoolean();
        var encoding = padded ? FrameEncoding.LegacyPadding : FrameEncoding.Default;
        var body = Body(vector);
        return andBody ? FrameEncoder.Encode(kind, meta, body, encoding) : FrameEncoder.EncodeHeader(kind, meta, body.Length, encoding);
    }

    private static byte[] Body(JsonElement vector)
    {
        if (vector.TryGetProperty("dataJson", out var json))
        {
            Assert.True(JsonText.TryParse(Encoding.UTF8.GetBytes(json.GetRawText()), out var value));
            return JsonText.IsNoData(value) ? [] : JsonText.Serialize(value);
        }

        return vector.Text("dataText") is { } text ? Encoding.UTF8.GetBytes(text) : vector.Hex("dataHex");
    }

    private static FrameMeta Meta(JsonElement meta) => meta.ValueKind == JsonValueKind.Null ? default : new FrameMeta
    {
        Family = meta.Text("family"),
        Address = meta.Text("address"),
        Port = Number(meta, "port"),
        Service = meta.Text("service"),
        ServicePort = Number(meta, "serviceport"),
        Name = meta.Text("name"),
    };

    private static int? Number(JsonElement meta, string property) =>
        meta.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : null;
}
