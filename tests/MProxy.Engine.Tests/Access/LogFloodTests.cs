using System.Diagnostics;
using System.Net.Sockets;
using MProxy.Engine.Access;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Access;

/// <summary>
/// Clients who come for nothing but the lines that are written of them: long names, names that are none, colours of a terminal, and pages that are there.
/// </summary>
[Collection("measured")]
public sealed class LogFloodTests(ITestOutputHelper output) : IDisposable
{
    private const int Clients = 20_000;
    private const int AtOnce = 16;
    private const int MaxLength = 256 << 10;
    private const int KeepFiles = 3;

    // A name of DNS has 253 characters at most, and what else stands in a line is less.
    private const int LongestLine = 1024;

    private readonly AccessFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_flood_of_lines_fills_no_disk_and_pushes_out_few()
    {
        string[] hosts = ["d.test", string.Join('.', Enumerable.Repeat(new string('a', 60), 4)), "nobody.test", "\u001b[31md.test", "d.test\",\"end\":\"mine", new string('b', 4000)];
        var (served, refused, skipped, untold, seconds, grown) = (0, 0L, 0L, 0L, 0.0, 0L);
        await using (var world = new FrontWorld(options => options with
        {
            AccessLog = new AccessLogOptions { Path = _folder.Path, MaxLength = MaxLength, KeepFiles = KeepFiles },
            Limits = new RelayLimits { MaxNewClientsPerSecond = 0, MaxNewClientsPerAddress = 0 },
        }))
        {
            await world.AddWebAsync("d.test");
            var heap = GC.GetTotalMemory(forceFullCollection: true);
            var since = Stopwatch.GetTimestamp();
            await Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Token }, async (number, _) =>
            {
                Interlocked.Add(ref served, await IsServedAsync(world.Http, hosts[number % hosts.Length], $"127.0.0.{2 + (number % 8)}") ? 1 : 0);
            });
            seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
            await Until.TrueAsync(() => world.Relay.ClientCount == 0);
            grown = GC.GetTotalMemory(forceFullCollection: true) - heap;
            await world.Relay.EventsHandedOut;
            (refused, skipped, untold) = (world.Relay.RefusedCount, world.Relay.UnloggedCount, world.Relay.UntoldEventCount);
            var told = world.Events.Count(EventKind.ClientRefused);
            Assert.InRange(told, 1, 200 + (int)(100 * seconds));
        }

        var lines = _folder.ReadAll().All;
        var files = Enumerable.Range(0, KeepFiles + 1).Select(number => _folder[number]).ToArray();
        var length = files.Sum(path => new FileInfo(path).Length);
        output.WriteLine(FormattableString.Invariant(
            $"{Clients} clients in {seconds:0.0} s, {served} served and {refused} refused: {length >> 10} KiB on the disk, {lines.Count} lines kept, {skipped} refusals not written, {untold} events not told; {grown >> 10} KiB more memory."));
        Assert.Equal(Clients, served + refused);
        Assert.InRange(served, Clients / hosts.Length, Clients / hosts.Length + 1);
        Assert.InRange(length, MaxLength, (KeepFiles + 1) * (MaxLength + LongestLine));
        Assert.InRange(skipped, refused - 200 - (long)(100 * (seconds + 1)), refused);
        Assert.Equal(files.Length, _folder.Names.Length);
        Assert.All(files, path => Assert.DoesNotContain(File.ReadLines(path), line => line.Length > LongestLine || line.Any(char.IsControl)));
        Assert.All(lines, line => Assert.Contains(line.GetProperty("end").GetString(), new[] { AccessRecord.InOrder, AccessRecord.Refused }));
        Assert.Empty(_folder.Told);
    }

    private static async Task<bool> IsServedAsync(int port, string host, string from)
    {
        using var client = await FrontClient.ConnectAsync(port, from);
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        client.Socket.Shutdown(SocketShutdown.Send);
        return (await client.ReadAllAsync()).StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal);
    }
}
