using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Faults;

/// <summary>
/// Between client, relay, device and service everything is split, delayed, cut, truncated and, where TLS sees it, corrupted. Each client has all of its
/// bytes or is broken off, never a wrong one, never another's, and never for ever.
/// </summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    private const int Clients = 150;
    private const int AtOnce = 12;
    private const int MaxLength = 200_000;

    private static readonly KnownBytes Bytes = new();

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("tcp", false)]
    [InlineData("ws", false)]
    [InlineData("tls", true)]
    [InlineData("wss", true)]
    public async Task Whatever_is_cut_each_client_has_all_or_knows_that_it_has_not(string scheme, bool seesCorruption)
    {
        var seed = Random.Shared.Next();
        await using var service = new FrontService(Bytes.ServeAsync);
        await using var back = new FaultProxy(PortOf(service.Target), seed, 2 * MaxLength, Fault.None, Fault.None, Fault.None, Fault.Cut);
        await using var relay = RelayServer.Start(WorldOptions.Relays($"{scheme}://127.0.0.1:0"));
        Fault[] ofLink = seesCorruption ? [Fault.Cut, Fault.Truncate, Fault.Corrupt] : [Fault.Cut, Fault.Truncate];
        await using var way = new FaultProxy(relay.Listen[0].Port, seed + 1, 4 << 20, ofLink);
        await using var front = new FaultProxy(relay.TcpPort[0], seed + 2, 2 * MaxLength, Fault.None, Fault.None, Fault.None, Fault.Cut);
        var link = WorldOptions.Links(CarrierUri.Parse($"{scheme}://127.0.0.1:{way.Port}"));
        await using var tunnel = await StartAsync(link, $"127.0.0.1:{back.Port}");

        var whole = 0;
        await Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Token }, async (number, cancellationToken) =>
        {
            // Not while the link is down: all would be refused at once, and nothing tried.
            await Until.TrueAsync(() => tunnel.State == LinkState.Connected);
            var length = new Random(seed + number).Next(MaxLength);
            if (await Bytes.AskAsync(front.Port, number, length, cancellationToken).WaitAsync(Patience, cancellationToken))
            {
                Interlocked.Increment(ref whole);
            }
        });
        output.WriteLine($"{scheme}, seed {seed}: {whole} of {Clients} whole; faults at clients {front.FaultCount}, on links {way.FaultCount}, at services {back.FaultCount}.");

        // Both happened, and behind all that everybody is served again.
        Assert.InRange(whole, 1, Clients - 1);
        Assert.True(way.FaultCount > 0);
        front.Heal();
        way.Heal();
        back.Heal();
        while (!await Bytes.AskAsync(front.Port, Clients, MaxLength, Token).WaitAsync(Patience, Token))
        {
            Token.ThrowIfCancellationRequested();
        }

        await Until.TrueAsync(() => (relay.ClientCount, tunnel.ClientCount) == (0, 0));
    }

    private static int PortOf(string target) => System.Net.IPEndPoint.Parse(target).Port;

    /// <summary>The first try may meet a fault too.</summary>
    internal static async Task<Tunnel> StartAsync(DeviceLinkOptions link, string service)
    {
        for (; ; )
        {
            try
            {
                return await Tunnel.StartAsync(WorldOptions.Tunnels(link with { Dial = CarrierWorld.Trusting }, "*", service), cancellationToken: Token);
            }
            catch (Exception error) when (error is MProxy.Engine.Link.LinkException or SocketException)
            {
                Token.ThrowIfCancellationRequested();
            }
        }
    }
}
