using System.Text;

namespace MProxy.Engine.Tests.Lies.Moves;

/// <summary>Lies on the control channel.</summary>
internal static class ControlMoves
{
    private const int MaxLength = 64 << 10;

    /// <summary>Messages that are none, or are of no use. Many together fill a control channel.</summary>
    private static readonly string[] Rubbish =
    [
        "null", "[]", "{}", "7", "\"text\"", "[1]", "[null,null]", "[\"1\",\"ping\"]", "[1.5,\"ping\"]", "[1e3,\"ping\"]", "[-0,\"ping\"]", "[5,null]", "[5,[]]",
        "[9223372036854775807,\"ping\"]", "[-9223372036854775808,null]", "[9223372036854775808,\"ping\"]", "[0,null]", "[0,{}]", "[0,\"\\u0000\\u001b]0;\"]", "[0,[[]]]",
        "[1,\"ping\"", "[1,\"ping\"]]", "\u00ff", "[6,\"\"]", "[6,\"PING\"]", "[6,\"connection\"]",
    ];

    public static readonly LyingMove[] All =
    [
        new("answers what it was asked", liar => liar.AnswerAsync("null")),
        new("answers with an error", liar => liar.AnswerAsync("{\"message\":\"no\",\"code\":\"E_UNKNOWN_COMMAND\"}")),
        new("answers with what is no answer", liar => liar.AnswerAsync("{\"message\":[],\"code\":{}}")),
        new("says one thing that is none", liar => liar.SayAsync(Rubbish[liar.Chance.Next(Rubbish.Length)])),
        new("says all that is none", liar => SayManyAsync(liar, 1, Rubbish)),
        new("pings without end", liar => SayManyAsync(liar, 2000, ["[4000,\"ping\"]"])),
        new("asks for what nobody knows, without end", liar => SayManyAsync(liar, 1000, ["[4001,\"open_sesame\",{\"a\":null}]"])),
        new("answers what was never asked, without end", liar => SayManyAsync(liar, 1000, ["[-4002,null]", "[-1001,{\"code\":\"E_TIMEOUT\"}]", "[-1,null]"])),
        new("reports without end", liar => SayManyAsync(liar, 500, ["[0,{\"message\":\"look here\",\"code\":\"E_LOOK\"}]", "[0,\"[Error] old\"]", "[0,{\"code\":\"E_UNKNOWN_COMMAND\"}]"])),
        new("answers all that might be asked", liar => liar.SendAsync(Enumerable.Range(1000, 1000).SelectMany(id => RawFrame.Control($"[-{id},null]")).ToArray())),
        new("nests as deep as there is room", liar => liar.SayAsync($"[5,{new string('[', (MaxLength / 2) - 10)}{new string(']', (MaxLength / 2) - 10)}]")),
        new("nests objects", liar => liar.SayAsync($"[5,\"ping\",{string.Concat(Enumerable.Repeat("{\"a\":", 9000))}1{new string('}', 9000)}]")),
        new("says one text as long as may be", liar => liar.SayAsync($"[5,\"{new string('a', MaxLength - 6)}\"]")),
        new("says one byte more than may be", liar => liar.SayAsync($"[5,\"{new string('a', MaxLength - 5)}\"]")),
        new("says more than may be", liar => liar.SayAsync($"[5,\"ping\",\"{new string('a', 3 * MaxLength)}\"]")),
        new("says what is no text", liar => liar.SendAsync(RawFrame.Of(",,,5,control", [0xff, 0xfe, 0, 0xc0, 0x80]))),
        new("says nothing, many times", liar => liar.SendAsync(Enumerable.Range(0, 500).SelectMany(_ => RawFrame.Of(",,,0,control")).ToArray())),
        new("controls a client", liar => liar.SendAsync(RawFrame.Client(liar.AnyClient().Identity, "control", "", "[5,\"ping\"]"u8))),
    ];

    private static Task SayManyAsync(Liar liar, int times, string[] controls) =>
        liar.SendAsync(Enumerable.Repeat(Encoding.Latin1.GetBytes(string.Concat(controls.Select(one => Encoding.Latin1.GetString(RawFrame.Control(one))))), times).SelectMany(bytes => bytes).ToArray());
}
