namespace MProxy.Engine.Tests.Lies.Moves;

/// <summary>Lies below the link, in frames of a WebSocket.</summary>
internal static class WebSocketMoves
{
    private const byte Whole = LyingWebSocket.Final;

    public static readonly LyingMove[] All =
    [
        Of("pings", liar => liar.Frame(Whole | LyingWebSocket.Ping, "hi"u8)),
        Of("answers what was not asked", liar => liar.Frame(Whole | LyingWebSocket.Pong, liar.AnyBytes(125))),
        Of("pings a thousand times", liar => [.. Enumerable.Range(0, 1000).SelectMany(_ => liar.Frame(Whole | LyingWebSocket.Ping, new byte[125]))]),
        Of("says a frame in fragments, with a ping between", liar =>
        {
            var frame = RawFrame.Control("[5,\"ping\"]");
            return
            [
                .. liar.Frame(LyingWebSocket.Binary, frame.AsSpan(0, 5)), .. liar.Frame(Whole | LyingWebSocket.Ping, default),
                .. liar.Frame(LyingWebSocket.Continuation, default), .. liar.Frame(Whole | LyingWebSocket.Continuation, frame.AsSpan(5)),
            ];
        }),
        Of("says nothing in a thousand frames", liar => [.. Enumerable.Range(0, 1000).SelectMany(_ => liar.Frame(Whole | LyingWebSocket.Binary, default))]),
        Of("says nothing in a thousand fragments", liar => [.. liar.Frame(LyingWebSocket.Binary, default), .. Enumerable.Range(0, 1000).SelectMany(_ => liar.Frame(LyingWebSocket.Continuation, default)), .. liar.Frame(Whole | LyingWebSocket.Continuation, default)]),
        Of("says text", liar => liar.Frame(Whole | LyingWebSocket.Text, RawFrame.Control("[5,\"ping\"]"))) with { IsLast = true },
        Of("closes", liar => liar.Frame(Whole | LyingWebSocket.Close, [3, 232])) with { IsLast = true },
        Of("closes with a code that is none", liar => liar.Frame(Whole | LyingWebSocket.Close, [0, 1, 0xff])) with { IsLast = true },
        Of("closes and goes on", liar => [.. liar.Frame(Whole | LyingWebSocket.Close, default), .. liar.Frame(Whole | LyingWebSocket.Binary, RawFrame.Control("[5,\"ping\"]"))]) with { IsLast = true },
        Of("goes on with what it has not begun", liar => liar.Frame(Whole | LyingWebSocket.Continuation, "abc"u8)) with { IsLast = true },
        Of("begins what it has begun already", liar => [.. liar.Frame(LyingWebSocket.Binary, "abc"u8), .. liar.Frame(LyingWebSocket.Binary, "abc"u8)]) with { IsLast = true },
        Of("masks as the other side does", liar => liar.Frame(Whole | LyingWebSocket.Binary, "abc"u8, isWronglyMasked: true)) with { IsLast = true },
        Of("sets bits that are reserved", liar => liar.Frame((byte)(Whole | LyingWebSocket.Binary | (liar.Chance.Next(1, 8) << 4)), "abc"u8)) with { IsLast = true },
        Of("says what nobody knows", liar => liar.Frame((byte)(Whole | liar.Chance.Next(11, 16)), "abc"u8)) with { IsLast = true },
        Of("pings in fragments", liar => liar.Frame(LyingWebSocket.Ping, "abc"u8)) with { IsLast = true },
        Of("pings with more than a ping may have", liar => liar.Frame(Whole | LyingWebSocket.Ping, new byte[126])) with { IsLast = true },
        Of("declares nine exabytes", liar => liar.Frame(Whole | LyingWebSocket.Binary, liar.AnyBytes(100_000), declared: long.MaxValue)) with { IsLast = true },
        Of("declares less than nothing", liar => liar.Frame(Whole | LyingWebSocket.Binary, "abc"u8, declared: long.MinValue)) with { IsLast = true },
        Of("says half a frame", liar => liar.Frame(Whole | LyingWebSocket.Binary, default, declared: 60_000).AsSpan(0, 3).ToArray()) with { IsLast = true },
        Of("says what chance says", liar => liar.AnyBytes(2000)) with { IsLast = true },
    ];

    private static LyingMove Of(string name, Func<Liar, byte[]> bytes) => new($"WebSocket: {name}", liar => liar.SendRawAsync(bytes(liar))) { NeedsWebSocket = true };
}
