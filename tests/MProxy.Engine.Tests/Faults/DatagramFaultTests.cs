using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Datagrams;

namespace MProxy.Engine.Tests.Faults;

/// <summary>
/// Between clients and relay, and device and service, datagrams are dropped, duplicated, delayed and reordered, and the link between relay and device is
/// cut. Whatever arrives was sent whole by that client, and in the end everybody is answered.
/// </summary>
public sealed class DatagramFaultTests(ITestOutputHelper output)
{
    private const int Clients = 80;
    private const int AtOnce = 20;
    private const int Questions = 12;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(60_000)]
    [InlineData(100)] // Clients are over and come again all the time: what is late finds another.
    public async Task Whatever_is_lost_doubled_or_late_each_datagram_is_one_of_its_own_client(int idleMilliseconds)
    {
        var seed = Random.Shared.Next();
        var known = new KnownDatagrams();
        using var service = new CheckedDatagramService(known);
        await using var back = new DatagramFaultProxy(service.EndPoint, seed, 8);
        var idle = TimeSpan.FromMilliseconds(idleMilliseconds);
        await using var relay = RelayServer.Start(WorldOptions.Relays() with { UdpPort = [0], Limits = new RelayLimits { DatagramIdleTimeout = idle } });
        await using var way = new FaultProxy(relay.Listen[0].Port, seed + 1, 2 << 20, Fault.Cut, Fault.Truncate);
        await using var front = new DatagramFaultProxy(new IPEndPoint(IPAddress.Loopback, relay.UdpPort[0]), seed + 2, 8);
        await using var tunnel = await FaultTests.StartAsync(WorldOptions.Links(CarrierUri.Parse($"tcp://127.0.0.1:{way.Port}")), $"udp://{back.EndPoint}");

        // Each keeps its port to the end, so that nothing late finds another there.
        var sockets = Enumerable.Range(0, Clients).Select(_ => DatagramWorld.NewClient(front.EndPoint)).ToArray();
        var (asked, longest) = (0, 0);
        await Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Token }, async (client, token) =>
        {
            var random = new Random(seed + client);
            for (var number = 0; number < Questions; number++)
            {
                // Most are as those of DNS or of a game, some as long as loopback takes.
                var length = random.Next(10) == 0 ? random.Next(60_000) : random.Next(1_400);
                var tries = await known.AskAsync(sockets[client], client, number, length, token);
                Interlocked.Add(ref asked, tries);
                longest = Math.Max(longest, tries);
            }
        });
        output.WriteLine($"seed {seed}: {Clients * Questions} answered, {asked} asked, {longest} times at most; at clients {front.Done}, at the service {back.Done}, on links {way.FaultCount}.");

        // All of it happened on both ways, and behind that nobody has to ask twice for what the system itself does not lose.
        Assert.All([front.Done, back.Done], done => Assert.True(done is { Dropped: > 0, Duplicated: > 0, Delayed: > 0 }));
        Assert.True(way.FaultCount > 0);
        front.Heal();
        back.Heal();
        way.Heal();
        await Until.TrueAsync(() => tunnel.State == LinkState.Connected);
        for (var client = 0; client < Clients; client++)
        {
            // The link that is up may still meet the fault that it was made with.
            Assert.InRange(await known.AskAsync(sockets[client], client, Questions, 1_000, Token), 1, 60);
        }

        service.ThrowIfFailed();
        known.NoneIsAnothers();
        Array.ForEach(sockets, socket => socket.Dispose());
    }

    /// <summary>Answers questions, and remembers the first that is wrong.</summary>
    private sealed class CheckedDatagramService : IDisposable
    {
        private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
        private readonly KnownDatagrams _known;
        private readonly Task _serving;

        public CheckedDatagramService(KnownDatagrams known)
        {
            _known = known;
            _socket.Client.ReceiveBufferSize = 4 << 20;
            _serving = ServeAsync();
        }

        public IPEndPoint EndPoint => (IPEndPoint)_socket.Client.LocalEndPoint!;

        public void ThrowIfFailed()
        {
            if (_serving.Exception is { } error)
            {
                throw error;
            }
        }

        public void Dispose() => _socket.Dispose();

        private async Task ServeAsync()
        {
            for (; ; )
            {
                UdpReceiveResult asked;
                try
                {
                    asked = await _socket.ReceiveAsync();
                }
                catch (Exception error) when (error is SocketException or ObjectDisposedException)
                {
                    return;
                }

                await _socket.SendAsync(_known.Answer(asked.Buffer, asked.RemoteEndPoint), asked.RemoteEndPoint);
            }
        }
    }
}
