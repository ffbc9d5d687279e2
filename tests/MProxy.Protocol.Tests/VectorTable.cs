namespace MProxy.Protocol.Tests;

/// <summary>What a golden vector means for this codec.</summary>
internal enum Verdict
{
    /// <summary>Packed bytes or unpacked events are equal, in strict mode.</summary>
    Same,

    /// <summary>Equal in lenient mode; strict mode refuses.</summary>
    SameLenient,

    /// <summary>Ours differs by a row of protocol.md, which the entry names and a test asserts.</summary>
    Differs,

    /// <summary>Mechanics of the reference's handlers, which this codec has none of.</summary>
    NotCodec,
}

/// <summary>
/// The verdict on every vector; whatever is not named here is <see cref="Verdict.Same"/>. For vectors that differ:
/// the row of protocol.md, and part of the error that ours gives, or null where <see cref="VectorDifferenceTests"/> asserts our frames.
/// </summary>
internal static class VectorTable
{
    public sealed record Entry(Verdict Verdict, string? Row = null, string? Error = null);

    private const string HeaderWrap = "Packing: a header over 255 bytes is a clear error";

    public static IReadOnlyDictionary<string, Entry> Pack { get; } = new Dictionary<string, Entry>
    {
        ["name comma connection"] = new(Verdict.Differs, "Packing: a field holding a comma is a clear error", "comma"),
        ["header length 257"] = new(Verdict.Differs, HeaderWrap, "257 bytes"),
        ["header length 300"] = new(Verdict.Differs, HeaderWrap, "300 bytes"),
        ["header length 511"] = new(Verdict.Differs, HeaderWrap, "511 bytes"),
        ["header length 512"] = new(Verdict.Differs, HeaderWrap, "512 bytes"),
        ["null meta, message"] = new(Verdict.NotCodec, "No meta is a TypeError of the script; the codec's meta is a value, ConvertTo-MProxyFrame's -Address is mandatory"),
    };

    public static IReadOnlyDictionary<string, Entry> Unpack { get; } = new Dictionary<string, Entry>
    {
        ["one-space padded end (oldways)"] = new(Verdict.Differs, "one-space body on any verb or control: treated as empty"),
        ["pause, no onpause handler falls to onmessage"] = new(Verdict.NotCodec, "which handler is registered"),
        ["error non-json"] = new(Verdict.Differs, "error body: message is the body as text"),
        ["error no body"] = new(Verdict.Differs, "error body: empty without one"),
        ["error space body"] = new(Verdict.Differs, "one-space body, and error body: empty without one"),
        ["error json string"] = new(Verdict.Differs, "error body: whatever is no JSON object"),
        ["error json null"] = new(Verdict.Differs, "error body: whatever is no JSON object"),
        ["error json string then next frame"] = new(Verdict.Differs, "an exception in a handler: state advances first"),
        ["error body invalid utf8"] = new(Verdict.Differs, "error body: message is the body as text"),
        ["version 0"] = new(Verdict.SameLenient),
        ["version garbage only"] = new(Verdict.SameLenient),
        ["headerLen 0 at end of chunk"] = new(Verdict.Differs, "header length 0: protocol error, lenient too", "header length is 0"),
        ["bodyLen empty (\"\")"] = new(Verdict.SameLenient),
        ["bodyLen leading space (\" 3\")"] = new(Verdict.SameLenient),
        ["bodyLen plus (\"+3\")"] = new(Verdict.SameLenient),
        ["bodyLen hex (\"0x3\")"] = new(Verdict.SameLenient),
        ["bodyLen exponent (\"3e2\")"] = new(Verdict.SameLenient),
        ["bodyLen decimal (\"3.9\")"] = new(Verdict.SameLenient),
        ["bodyLen minus zero (\"-0\")"] = new(Verdict.SameLenient),
        ["bodyLen trailing space"] = new(Verdict.SameLenient),
        ["bodyLen leading newline"] = new(Verdict.SameLenient),
        ["bodyLen negative mid chunk"] = new(Verdict.Differs, "negative SIZE: error, lenient too", "negative|decimal"),
        ["bodyLen 5e9 (5000000000)"] = new(Verdict.Differs, "SIZE beyond the limit: error, lenient too", "limit"),
        ["4 fields"] = new(Verdict.Differs, "fewer than 5 fields: error, lenient too", "4 field"),
        ["3 fields"] = new(Verdict.Differs, "fewer than 5 fields: error, lenient too", "3 field"),
        ["1 field"] = new(Verdict.Differs, "fewer than 5 fields: error, lenient too", "1 field"),
        ["port not numeric"] = new(Verdict.Differs, "port that is no number: strict error, lenient null"),
        ["address with comma shifts length"] = new(Verdict.Differs, "port that is no number: strict error, lenient null"),
        ["handler throws"] = new(Verdict.Differs, "an exception in a handler: state advances first"),
    };

    public static Entry Of(IReadOnlyDictionary<string, Entry> table, string name) =>
        table.TryGetValue(name, out var entry) ? entry : new Entry(Verdict.Same);
}
