using System.Net;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Faults;

/// <summary>
/// dig asks dnsmasq, and between it and the relay, and the device and dnsmasq, datagrams are dropped, doubled, delayed and reordered, while the link is cut.
/// It asks again as it does, and each question has its own answer.
/// </summary>
public sealed class DigFaultTests(ITestOutputHelper output)
{
    private const int Questions = 60;
    private const int AtOnce = 6;
    private const int Percent = 12;

    // A few questions each: so short is what dig says.
    private const int LinkFault = 1_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_question_has_its_own_answer_in_the_end()
    {
        Programs.Need("dig", "dnsmasq");
        var seed = Random.Shared.Next();
        var port = FreePort.Take();
        await using var server = new Daemon(
            "dnsmasq",
            [
                "--keep-in-foreground", "--conf-file=/dev/null", $"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts", "--log-facility=-", "--pid-file=",
                $"--user={Environment.UserName}", "--local=/test/", .. Enumerable.Range(0, Questions).Select(number => $"--host-record={Name(number)},{Address(number)}"),
            ]);
        await server.ListensAsync(port);
        await using var back = new DatagramFaultProxy(new IPEndPoint(IPAddress.Loopback, port), seed, Percent);
        await using var relay = RelayServer.Start(WorldOptions.Relays() with { DnsPort = [0] });
        await using var way = new FaultProxy(relay.Listen[0].Port, seed + 1, LinkFault, Fault.Cut, Fault.Truncate);
        await using var front = new DatagramFaultProxy(new IPEndPoint(IPAddress.Loopback, relay.DnsPort[0]), seed + 2, Percent);
        await using var tunnel = await FaultTests.StartAsync(WorldOptions.Links(CarrierUri.Parse($"tcp://127.0.0.1:{way.Port}")), $"dns://{back.EndPoint}");

        await Parallel.ForAsync(0, Questions, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Token }, async (number, _) =>
        {
            var answer = await AskAsync(front.EndPoint.Port, Name(number));
            Assert.Equal(Address(number), answer);
        });
        output.WriteLine($"seed {seed}: {Questions} answered; at clients {front.Done}, at the service {back.Done}, on links {way.FaultCount}.");
        Assert.All([front.Done, back.Done], done => Assert.True(done is { Dropped: > 0, Duplicated: > 0, Delayed: > 0 }));
        Assert.True(way.FaultCount > 0);
    }

    /// <summary>
    /// As long as nobody serves the name it is refused, which dig takes for an answer; and where an answer comes twice, the second may be told to be asked for by
    /// TCP, which these ways do not have. It is asked again then, as a resolver would.
    /// </summary>
    private static async Task<string> AskAsync(int port, string name)
    {
        for (var tries = 1; ; tries++)
        {
            var answer = await Programs.OutputAsync("dig", "@127.0.0.1", "-p", $"{port}", "+time=1", "+tries=20", "+ignore", "+noall", "+comments", "+answer", name, "A");
            var last = answer.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
            if (!answer.Contains("status: REFUSED", StringComparison.Ordinal) && !last.StartsWith(';'))
            {
                Assert.Contains("status: NOERROR", answer, StringComparison.Ordinal);
                return last.Split('\t')[^1];
            }

            Assert.InRange(tries, 1, 100);
        }
    }

    private static string Name(int number) => $"n{number}.test";

    private static string Address(int number) => $"10.1.2.{number}";
}
