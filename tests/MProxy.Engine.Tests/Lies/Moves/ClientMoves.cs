namespace MProxy.Engine.Tests.Lies.Moves;

/// <summary>Lies about clients.</summary>
internal static class ClientMoves
{
    public static readonly LyingMove[] All =
    [
        new("gets a client", liar => liar.BringClientAsync()) { AsRelay = false },
        new("brings a client", BringAsync) { AsRelay = true },
        new("brings a client again", liar => FrameAsync(liar, "connection", "tcp")),
        new("brings fifty clients", async liar =>
        {
            for (var i = 0; i < 50; i++)
            {
                await BringAsync(liar);
            }
        }) { AsRelay = true },
        new("speaks for a client", liar => FrameAsync(liar, "tcp", body: liar.AnyBytes(3000))),
        new("speaks for a client by another name", liar => liar.SendAsync(RawFrame.Client(liar.AnyClient().Identity, "tcp", "99,other.example", "x"u8))),
        new("speaks for another's client", liar => OthersAsync(liar, "tcp")),
        new("ends another's client", liar => OthersAsync(liar, "end")),
        new("fails another's client", liar => OthersAsync(liar, "error")),
        new("pauses another's client", liar => OthersAsync(liar, "pause")),
        new("says very much for a client", async liar =>
        {
            var (identity, place) = liar.AnyClient();
            for (var i = 0; i < 24 && !liar.IsOver; i++)
            {
                await liar.SendAsync(RawFrame.Client(identity, "tcp", place, new byte[64 << 10]));
            }
        }),
        new("says nothing for a client, many times", liar => ManyAsync(liar, 500, client => RawFrame.Client(client.Identity, "tcp", client.Place))),
        new("says single bytes for a client", liar => ManyAsync(liar, 500, client => RawFrame.Client(client.Identity, "tcp", client.Place, " "u8))),
        new("ends a client", liar => FrameAsync(liar, "end")),
        new("ends a client twice and goes on with it", liar => ManyAsync(liar, 2, client =>
            [.. RawFrame.Client(client.Identity, "end", client.Place), .. RawFrame.Client(client.Identity, "tcp", client.Place, "late"u8), .. RawFrame.Client(client.Identity, "pause", client.Place), .. RawFrame.Client(client.Identity, "resume", client.Place)])),
        new("fails a client", liar => FrameAsync(liar, "error", body: "{\"message\":\"so\",\"code\":\"E_SO\"}"u8.ToArray())),
        new("fails a client with rubbish", liar => FrameAsync(liar, "error", body: liar.AnyBytes(9000))),
        new("pauses a client", liar => FrameAsync(liar, "pause", body: "12"u8.ToArray())),
        new("resumes a client", liar => FrameAsync(liar, "resume", body: "-1"u8.ToArray())),
        new("pauses all of its clients", liar => ManyAsync(liar, 100, _ => RawFrame.Client(liar.AnyClient() is var (identity, place) ? identity : "", "pause", place))),
        new("pauses and resumes without end", liar => ManyAsync(liar, 2000, client => [.. RawFrame.Client(client.Identity, "pause", client.Place), .. RawFrame.Client(client.Identity, "resume", client.Place)])),
        new("speaks for clients that never were", liar => liar.SendAsync(
            Enumerable.Range(1, 2000).SelectMany(port => RawFrame.Client($"IPv4,203.0.113.{liar.Chance.Next(255)},{port}", "tcp", "80,", "x"u8)).ToArray())),
        new("brings and ends a hundred clients of one identity", liar => ManyAsync(liar, 100, client =>
            [.. RawFrame.Client(client.Identity, "connection", $"{client.Place},tcp"), .. RawFrame.Client(client.Identity, "end", client.Place)])),
        new("writes a client's port in another way", liar => liar.SendAsync(RawFrame.Client($"{liar.AnyClient().Identity.Replace(",5", ",005", StringComparison.Ordinal)}", "connection", "80,,tcp"))),
    ];

    private static async Task BringAsync(Liar liar)
    {
        // Few identities, so that they collide; and services that echo, flood, take nothing, are not there, or are none.
        var (identity, place) = ($"IPv4,192.0.2.{liar.Chance.Next(4)},{liar.Chance.Next(1, 20)}", $"{liar.Chance.Next(80, 86)},");
        liar.Note(identity, place);
        await liar.SendAsync(RawFrame.Client(identity, "connection", $"{place},{(liar.Chance.Next(10) == 0 ? "udp" : "tcp")}", liar.Chance.Next(3) == 0 ? liar.AnyBytes(100) : []));
    }

    private static Task FrameAsync(Liar liar, string verb, string? service = null, byte[]? body = null)
    {
        var (identity, place) = liar.AnyClient();
        return liar.SendAsync(RawFrame.Client(identity, verb, service is null ? place : $"{place},{service}", body));
    }

    private static Task ManyAsync(Liar liar, int times, Func<(string Identity, string Place), byte[]> frames)
    {
        var client = liar.AnyClient();
        return liar.SendAsync(Enumerable.Range(0, times).SelectMany(_ => frames(client)).ToArray());
    }

    private static async Task OthersAsync(Liar liar, string verb)
    {
        foreach (var identity in liar.Others())
        {
            await liar.SendAsync(RawFrame.Client(identity, verb, "80,", "not yours"u8));
        }
    }
}
