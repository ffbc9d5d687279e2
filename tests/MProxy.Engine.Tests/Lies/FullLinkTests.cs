using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Lies;

/// <summary>A link that takes nothing more, in one way or in both: others go on beside it, and it goes on itself when it can.</summary>
[Collection("measured")]
public sealed class FullLinkTests(ITestOutputHelper output)
{
    private const int Clients = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan MostForOthers = TimeSpan.FromSeconds(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_clients_of_one_link_are_paused_and_those_of_another_go_on()
    {
        await using var world = await LiedToRelay.StartAsync();
        await using var liar = await world.DialDeviceAsync();
        List<(Socket Client, string Identity)> clients = [];
        for (var i = 0; i < Clients; i++)
        {
            clients.Add(await world.ConnectAsync());
            await liar.SendAsync(RawFrame.Client(clients[^1].Identity, "pause", $"{world.LyingPort},"));
        }

        var link = world.Relay.Registry.Links.Single(one => one.Connection.ClientCount == Clients).Connection;
        await Until.TrueAsync(() => link.Traffic.PausesIn == Clients);
        var blocked = Task.Factory.StartNew(() => Fill(clients.ConvertAll(one => one.Client)), Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var slowest = await world.AskWhileAsync(blocked);
        var (sent, buffers) = (clients.Sum(one => link.BytesOf(link.Find(one.Identity)!).Sent), world.Relay.Ledger.Buffers);
        output.WriteLine($"{Clients} clients paused, {sent} bytes of them sent, {buffers} buffers; the slowest other client took {slowest.TotalMilliseconds:0} ms.");
        Assert.InRange(slowest, TimeSpan.Zero, MostForOthers);
        Assert.InRange(buffers, 0, (2 * Clients) + 20);

        // At most what was read before the pause came.
        Assert.Equal(0, sent);
        clients.ForEach(one => one.Client.Dispose());
    }

    [Fact]
    public async Task Both_ways_are_full_at_once_and_both_drain()
    {
        const int Length = 24 << 20;
        var accepted = new TaskCompletionSource<Socket>();
        var over = new TaskCompletionSource();
        await using var service = new FrontService(async client =>
        {
            accepted.SetResult(client);
            await over.Task;
        });
        await using var relay = RelayServer.Start(WorldOptions.Relays());
        await using var gate = new LinkGate(relay.Listen[0].Port);
        await using var tunnel = await Tunnel.StartAsync(WorldOptions.Tunnels(gate.Port, "tcp", service.Target), cancellationToken: Token);
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", relay.TcpPort[0], Token);
        var local = await accepted.Task.WaitAsync(Patience, Token);

        // Neither end reads, and the way between takes nothing: whatever either side has to say waits, control too.
        gate.Close();
        byte[] up = new byte[Length], down = new byte[Length];
        Random.Shared.NextBytes(up);
        Random.Shared.NextBytes(down);
        var speaking = Task.WhenAll(SayAsync(client, up), SayAsync(local, down));
        await Until.TrueAsync(() => !client.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectWrite) && !local.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectWrite));
        Assert.False(speaking.IsCompleted);

        gate.Open();
        var heard = await Task.WhenAll(LocalService.ReadAllAsync(client), LocalService.ReadAllAsync(local)).WaitAsync(Patience, Token);
        await speaking;
        over.SetResult();
        Assert.True(heard[0].AsSpan().SequenceEqual(down) && heard[1].AsSpan().SequenceEqual(up), "Bytes are missing, or are others.");
        await Until.TrueAsync(() => (relay.ClientCount, tunnel.ClientCount) == (0, 0));

        async Task SayAsync(Socket socket, byte[] bytes)
        {
            await LocalService.SendAllAsync(socket, bytes, 64 << 10);
            socket.Shutdown(SocketShutdown.Send);
        }
    }

    /// <summary>Sends until nothing more is taken of anybody. On a thread of its own, since it waits.</summary>
    private static void Fill(List<Socket> clients)
    {
        var bytes = new byte[64 << 10];
        clients.ForEach(client => client.Blocking = false);
        foreach (var client in clients)
        {
            while (client.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectWrite))
            {
                client.Send(bytes, SocketFlags.None, out _);
            }
        }
    }
}
