using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Lies;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Limits;

/// <summary>
/// Tokens are tried as fast as strangers can, over link after link, and an honest client of HTTP comes beside them. MPROXY_TOKENS=1000000 tries so many.
/// </summary>
[Collection("measured")]
public sealed class TokenFloodTests(ITestOutputHelper output)
{
    private const int Usual = 20_000;
    private const int OnLink = 20;
    private const int AtOnce = 32;
    private const int Addresses = 8;
    private const long MostGrown = 16 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whoever_tries_tokens_gets_in_with_none_and_holds_up_nobody()
    {
        var wanted = int.Parse(Environment.GetEnvironmentVariable("MPROXY_TOKENS") ?? $"{Usual}", CultureInfo.InvariantCulture);
        var links = wanted / OnLink;
        await using var world = new FrontWorld();
        await world.AddWebAsync("d.test");
        await Until.TrueAsync(() => world.Relay.LinkCount == 1);
        var tries = Tries();
        await world.TimeRequestAsync("d.test");
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        using var process = Process.GetCurrentProcess();
        var (since, processor, answered, slowest, asked) = (Stopwatch.GetTimestamp(), process.TotalProcessorTime, 0, TimeSpan.Zero, 0);

        var flood = Parallel.ForAsync(0, links, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Token }, async (number, _) =>
        {
            var said = await TryAsync(world.Relay.Listen[0].Port, $"127.0.0.{2 + (number % Addresses)}", tries);
            Assert.DoesNotContain("\"grant\"", said, StringComparison.Ordinal);
            Interlocked.Add(ref answered, said.Split("E_INVALID_TOKEN").Length - 1);
        });
        for (; !flood.IsCompleted; asked++)
        {
            var took = await world.TimeRequestAsync("d.test");
            slowest = took > slowest ? took : slowest;
            await Task.WhenAny(flood, Task.Delay(TimeSpan.FromMilliseconds(10), Token));
        }

        await flood;
        var seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        process.Refresh();
        var each = (process.TotalProcessorTime - processor) / (links * OnLink);
        await Until.TrueAsync(() => world.Relay.Pending.Count == 0);
        var grown = GC.GetTotalMemory(forceFullCollection: true) - heap;
        output.WriteLine(FormattableString.Invariant(
            $"{links * OnLink} tokens over {links} links in {seconds:0.0} s, {links * OnLink / seconds:0} a second, {each.TotalMicroseconds:0} us of processor each with those who try; {grown / 1024} KiB more; {asked} honest requests, {slowest.TotalMilliseconds:0} ms at most."));

        // Each was looked at and refused, all ended, and nobody was told more of them than he can read.
        Assert.InRange(answered, links * OnLink, links * (OnLink + 1));
        Assert.Equal(links, world.Relay.LinkRefusedBy.Values.Sum());
        Assert.Equal(1, world.Relay.LinkCount);
        Assert.InRange(grown, long.MinValue, MostGrown);
        Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        await world.Relay.EventsHandedOut;
        Assert.InRange(world.Events.Count(EventKind.LinkRefused), 1, 20 + (int)(10 * seconds) + 1);
    }

    /// <summary>Greets, and tries all of them at once.</summary>
    /// <returns>All that is said to it.</returns>
    private static async Task<string> TryAsync(int port, string from, byte[] tries)
    {
        using var peer = await FrontClient.ConnectAsync(port, from);
        var hello = await peer.ReadTextAsync(1);
        await peer.SendAsync(tries);
        peer.Socket.Shutdown(SocketShutdown.Send);
        return hello + await peer.ReadAllAsync();
    }

    /// <summary>The greeting and as many tokens as a link may try: of another key, not signed, changed, long, and none at all.</summary>
    private static byte[] Tries()
    {
        var grant = new TokenClaims { Grant = new Grant { Domains = ["d.test"] } };
        var foreign = TokenLibrary.Load().Create(grant, TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32)), DateTimeOffset.UtcNow);
        var parts = foreign.Split('.');
        string[] kinds =
        [
            foreign,
            $"{Base64Url.EncodeToString("{\"alg\":\"none\"}"u8)}.{parts[1]}.",
            $"{parts[0]}.{parts[1]}.{new string('A', parts[2].Length)}",
            new string('x', 4000),
            "",
        ];
        return [.. RawFrame.Control("[-1,null]"), .. Enumerable.Range(0, OnLink).SelectMany(number => RawFrame.Control($"[{1001 + number},\"add_token\",\"{kinds[number % kinds.Length]}\"]"))];
    }
}
