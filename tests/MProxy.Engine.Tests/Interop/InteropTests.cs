using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Interop;

/// <summary>Whole sessions with a device, or a relay, that is built on the reference's package and has its habits: every client has exactly its bytes.</summary>
public sealed class InteropTests
{
    private const int Clients = 100;
    private const int AtOnce = 25;
    private const int MaxLength = 200_000;
    private const int LongAnswer = 60_000_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, "ws", "url")]
    [InlineData(true, "ws", "header")]
    [InlineData(true, "ws", "command")]
    [InlineData(true, "wss", "command")]
    [InlineData(true, "wss", "url")]
    [InlineData(false, "ws", "url")]
    [InlineData(false, "ws", "header")]
    [InlineData(false, "ws", "command")]
    [InlineData(false, "wss", "command")]
    public async Task A_hundred_clients_have_exactly_their_bytes(bool isRelayOurs, string scheme, string how)
    {
        var bytes = new KnownBytes();
        await using var world = await InteropWorld.StartAsync(isRelayOurs, scheme, bytes.ServeAsync, how);
        await Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Token }, async (number, cancellationToken) =>
            Assert.True(await bytes.AskAsync(world.Port, number, new Random(number).Next(MaxLength), cancellationToken), $"Client {number} was broken off."));
        await NobodyIsLeftAsync(world);
    }

    [Theory]
    [InlineData(true, "ws")]
    [InlineData(true, "wss")]
    [InlineData(false, "ws")]
    [InlineData(false, "wss")]
    public async Task A_slow_reader_of_60_MB_has_them_all_and_others_go_on(bool isRelayOurs, string scheme)
    {
        var answer = new byte[LongAnswer];
        new Random(1).NextBytes(answer);
        await using var world = await InteropWorld.StartAsync(isRelayOurs, scheme, local => LocalService.SendOnRequestAsync(local, answer));
        using var slow = await AskAsync(world.Port);

        // It takes nothing until the device has been told to send no more, and meanwhile another has all of its own.
        await (isRelayOurs ? world.Peer.NextAsync("pause") : world.Peer.NextAsync("pausing"));
        using var other = await AskAsync(world.Port);
        Assert.Equal(SHA256.HashData(answer), SHA256.HashData(await LocalService.ReadAllAsync(other)));
        Assert.Equal(SHA256.HashData(answer), SHA256.HashData(await LocalService.ReadAllAsync(slow)));
        await (isRelayOurs ? world.Peer.NextAsync("resume") : world.Peer.NextAsync("resumed"));
        slow.Shutdown(SocketShutdown.Send);
        other.Shutdown(SocketShutdown.Send);
        await NobodyIsLeftAsync(world);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_sends_60_MB_to_a_slow_service_is_held_up_and_all_of_it_comes(bool isRelayOurs)
    {
        var question = new byte[LongAnswer];
        new Random(2).NextBytes(question);
        var goOn = new TaskCompletionSource();
        await using var world = await InteropWorld.StartAsync(isRelayOurs, "ws", async local =>
        {
            await goOn.Task;
            await LocalService.SendAllAsync(local, SHA256.HashData(await LocalService.ReadAllAsync(local)), 100);
        });
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", world.Port, Token);
        var sending = LocalService.SendAllAsync(client, question, 64 << 10);
        await (isRelayOurs ? world.Peer.NextAsync("pausing") : world.Peer.NextAsync("pause"));
        Assert.False(sending.IsCompleted);
        goOn.SetResult();
        await sending;
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(SHA256.HashData(question), await LocalService.ReadAllAsync(client));
        await NobodyIsLeftAsync(world);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Half_closed_clients_have_their_answer(bool isRelayOurs)
    {
        await using var world = await InteropWorld.StartAsync(isRelayOurs, "ws", async local =>
        {
            var said = await LocalService.ReadAllAsync(local);
            Array.Reverse(said);
            await LocalService.SendAllAsync(local, said, said.Length);
        });
        await Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Token }, async (number, cancellationToken) =>
        {
            var said = new byte[1 + new Random(number).Next(MaxLength)];
            new Random(number).NextBytes(said);
            using var client = await TcpSocket.ConnectAsync("127.0.0.1", world.Port, cancellationToken);
            await LocalService.SendAllAsync(client, said, said.Length);
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(said.Reverse(), await LocalService.ReadAllAsync(client));
        });
        await NobodyIsLeftAsync(world);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_is_reset_takes_its_other_end_with_it(bool isRelayOurs)
    {
        var ended = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var world = await InteropWorld.StartAsync(isRelayOurs, "ws", async local =>
        {
            try
            {
                await LocalService.EchoAsync(local);
                ended.SetResult(true);
            }
            catch (SocketException)
            {
                ended.SetResult(false);
            }
        });
        var client = await AskAsync(world.Port);
        await LocalService.ReadExactlyAsync(client, new byte[1]);
        client.Close(0);

        // And does not make it look like an end in order.
        Assert.False(await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), Token));
        await NobodyIsLeftAsync(world);
    }

    [Fact]
    public async Task A_device_that_is_killed_takes_its_clients_with_it_and_none_of_them_is_whole()
    {
        await using var world = await InteropWorld.StartAsync(true, "ws", LocalService.FloodAsync);
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", world.Port, Token);
        await LocalService.ReadExactlyAsync(client, new byte[1 << 20]);
        world.Peer.Kill();
        await Assert.ThrowsAsync<SocketException>(() => LocalService.ReadAllAsync(client).WaitAsync(TimeSpan.FromSeconds(20), Token));
        await Until.TrueAsync(() => (world.Relay!.LinkCount, world.Relay.ClientCount) == (0, 0));
    }

    [Fact]
    public async Task A_relay_that_is_killed_takes_its_clients_with_it()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var world = await InteropWorld.StartAsync(false, "ws", async local =>
        {
            await Assert.ThrowsAsync<SocketException>(() => LocalService.FloodAsync(local));
            ended.SetResult();
        });
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", world.Port, Token);
        await LocalService.ReadExactlyAsync(client, new byte[1 << 20]);
        world.Peer.Kill();
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);
        await Until.TrueAsync(() => world.Tunnel!.ClientCount == 0 && world.Tunnel.State == LinkState.Reconnecting);
    }

    private static async Task<Socket> AskAsync(int port)
    {
        var client = await TcpSocket.ConnectAsync("127.0.0.1", port, Token);
        await client.SendAsync(new byte[1], Token);
        return client;
    }

    private static Task NobodyIsLeftAsync(InteropWorld world) => Until.TrueAsync(() => (world.Relay?.ClientCount ?? world.Tunnel!.ClientCount) == 0);
}
