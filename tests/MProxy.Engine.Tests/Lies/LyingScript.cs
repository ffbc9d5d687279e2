using MProxy.Engine.Tests.Lies.Moves;

namespace MProxy.Engine.Tests.Lies;

/// <summary>What one liar does in a session: moves that chance chooses, and how it ends.</summary>
internal static class LyingScript
{
    private const int MostMoves = 16;

    private static readonly LyingMove[] Moves = [.. GreetingMoves.All, .. ControlMoves.All, .. ClientMoves.All, .. FrameMoves.All, .. StreamMoves.All, .. WebSocketMoves.All];

    /// <summary>How many moves there are.</summary>
    public static int Count => Moves.Length;

    /// <summary>Greets, mostly as it should, so that what follows is listened to; then lies.</summary>
    /// <param name="liar">Who lies.</param>
    /// <param name="trace">Told of each move.</param>
    /// <param name="check">Called after each: what has to hold all the time.</param>
    public static async Task RunAsync(Liar liar, Action<string> trace, Action check)
    {
        if (liar.Chance.Next(8) > 0)
        {
            trace("greets");
            await GreetAsync(liar);
        }

        for (var left = liar.Chance.Next(1, MostMoves); left > 0 && !liar.IsOver; left--)
        {
            var move = Next(liar);
            trace(move.Name);
            await move.DoAsync(liar);
            check();
        }

        // The others are silent, and neither end nor go on.
        switch (liar.Chance.Next(4))
        {
            case 0:
                trace("ends");
                liar.End();
                break;
            case 1:
                trace("resets");
                liar.Reset();
                break;
            default:
                trace("is silent");
                break;
        }
    }

    private static async Task GreetAsync(Liar liar)
    {
        if (liar.IsRelay)
        {
            await liar.SayAsync(GreetingMoves.Hello);
            await liar.AcceptNextAsync();
        }
        else
        {
            await liar.SayAsync("[-1,null]");
            if (liar.Token is not null)
            {
                await liar.SayAsync($"[1999,\"add_token\",\"{liar.Token}\"]");
                await liar.BringClientAsync();
            }
        }
    }

    /// <summary>What ends most sessions comes once in a while.</summary>
    private static LyingMove Next(Liar liar)
    {
        for (; ; )
        {
            var move = Moves[liar.Chance.Next(Moves.Length)];
            if (move.IsFor(liar) && (!move.IsLast || liar.Chance.Next(5) == 0))
            {
                return move;
            }
        }
    }
}
