namespace MProxy.Engine.Tests.Lies.Moves;

/// <summary>Lies about who is there, and what that one may do.</summary>
internal static class GreetingMoves
{
    public const string Hello = "[1,\"hello\",[1],[\"add_token\",\"delete_token\",\"ping\"]]";

    public static readonly LyingMove[] All =
    [
        new("says hello again", liar => liar.SayAsync(Hello)),
        new("says hello with another id", liar => liar.SayAsync("[77,\"hello\",[1],[]]")),
        new("answers hello though nobody asks", liar => liar.SayAsync("[-1,null]")),
        new("answers hello with text", liar => liar.SayAsync("[-1,\"[Error] bad hello\"]")) { IsLast = true },
        new("says hello of versions that nobody knows", liar => liar.SayAsync("[1,\"hello\",[2,3],[]]")),
        new("says hello of a version that is no number", liar => liar.SayAsync("[1,\"hello\",\"one\",{\"a\":[]}]")),
        new("says hello of a thousand commands", liar => liar.SayAsync($"[1,\"hello\",[1],[{string.Join(',', Enumerable.Repeat("\"\\u001b[2J\"", 1000))}]]")),
        new("shows its token", liar => liar.SayAsync($"[2000,\"add_token\",\"{liar.Token}\"]")) { AsRelay = false },
        new("takes its token back", liar => liar.SayAsync($"[2001,\"delete_token\",\"{liar.Token}\"]")) { AsRelay = false },
        new("takes all tokens back", liar => liar.SayAsync("[2002,\"delete_token\",\"*\"]")) { AsRelay = false },
        new("shows a token of rubbish", liar => liar.SayAsync("[2003,\"add_token\",\"x.y.z\"]")) { AsRelay = false },
        new("shows a token that is no text", liar => liar.SayAsync("[2004,\"auth\",{\"jwt\":[null]}]")) { AsRelay = false },
        new("shows tokens of rubbish without end", liar => RepeatAsync(liar, 30, i => $"[{3000 + i},\"authn\",\"{new string('A', 500)}.{i}.B\"]")) { AsRelay = false, IsLast = true },
        new("asks about a token of rubbish", liar => liar.SayAsync("[2005,\"check_token\",\"\"]")) { AsRelay = false },
        new("drains", liar => liar.SayAsync("[2006,\"drain\"]")) { AsRelay = false },
        new("tells of its services", liar => liar.SayAsync("[2007,\"services\",[[\"*\",\"up\"],[\"tcp\",\"drain\"]]]")) { AsRelay = false },
        new("tells of services that are none", liar => liar.SayAsync("[2008,\"services\",[[\"*\",\"up\"],[\"*\",7],[],null]]")) { AsRelay = false },
        new("grants nothing", liar => liar.SayAsync("[2,\"grant\",[]]")) { AsRelay = true },
        new("grants what is no grant", liar => liar.SayAsync("[2,\"grant\",{\"a\":[[[]]]}]")) { AsRelay = true },
        new("grants very much, again and again", liar => RepeatAsync(liar, 20, _ => $"[2,\"grant\",[{string.Join(',', Enumerable.Repeat("[\"ssh+https\",\"d.example\",443]", 100))}]]")) { AsRelay = true },
        new("gives a token of rubbish", liar => liar.SayAsync("[3,\"access_token\",{\"jwt\":\"x.y.z\"}]")) { AsRelay = true },
        new("gives a token that is none", liar => liar.SayAsync("[3,\"access_token\",{\"jwt\":7}]")) { AsRelay = true },
        new("refuses the token for good", liar => liar.SayAsync("[0,{\"message\":\"no\",\"code\":\"E_INVALID_TOKEN\"}]")),
    ];

    public static async Task RepeatAsync(Liar liar, int times, Func<int, string> control)
    {
        for (var i = 0; i < times && !liar.IsOver; i++)
        {
            await liar.SayAsync(control(i));
        }
    }
}
