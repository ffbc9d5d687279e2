using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Tests.Carriers;

namespace MProxy.Engine.Tests;

/// <summary>The same tunnel over every carrier: each client gets its own bytes, whole, and nothing is left behind.</summary>
public class TunnelCarrierTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("tcp://127.0.0.1:0")]
    [InlineData("tcp://[::1]:0")]
    [InlineData("tls://127.0.0.1:0")]
    [InlineData("ws://127.0.0.1:0/a/path")]
    [InlineData("wss://127.0.0.1:0")]
    [InlineData("unix")]
    public async Task A_hundred_clients_with_sizes_and_pauses_of_their_own_get_their_bytes_back(string listen)
    {
        listen = listen == "unix" ? $"unix://{CarrierWorld.NewSocketPath()}" : listen;
        await using var world = await World.StartAsync(LocalService.EchoAsync, new WorldOptions { Listen = listen });
        await Task.WhenAll(Enumerable.Range(0, 100).Select(seed => TalkAsync(world, new Random(seed))));
        Assert.Equal(0, world.Relay.RefusedCount);

        // At its end the world asserts that sockets, buffers and loops are gone on both sides.
        await world.StopAsync();
    }

    [Fact]
    public async Task One_relay_listens_on_all_of_them_at_once_and_its_clients_go_to_every_device_in_turn()
    {
        string[] listen = ["tcp://127.0.0.1:0", "tcp://[::1]:0", "tls://127.0.0.1:0", "ws://[::1]:0", "wss://127.0.0.1:0", $"unix://{CarrierWorld.NewSocketPath()}"];
        await using var world = await World.StartAsync(LocalService.EchoAsync, new WorldOptions
        {
            Relay = options => options with { Listen = [.. listen.Select(CarrierUri.Parse)] },
        });
        var others = await Task.WhenAll(world.Relay.Listen.Skip(1).Select(uri =>
            Tunnel.StartAsync(WorldOptions.Tunnels(WorldOptions.Links(uri), "tcp", world.Target), cancellationToken: Token)));
        Assert.Equal(listen.Length, world.Relay.LinkCount);
        Assert.Equal(["tcp", "tls", "ws", "wss", "unix"], others.Select(tunnel => tunnel.Links[0].Carrier));
        List<Socket> clients = [];
        foreach (var tunnel in others.Append(world.Tunnel))
        {
            clients.Add(await world.ConnectAsync());
            await clients[^1].SendAsync(new byte[] { 7 }, Token);
            await LocalService.ReadExactlyAsync(clients[^1], new byte[1]);
        }

        Assert.All(others.Append(world.Tunnel), tunnel => Assert.Equal(1, tunnel.ClientCount));
        clients.ForEach(client => client.Dispose());
        foreach (var tunnel in others)
        {
            await tunnel.DisposeAsync();
        }
    }

    /// <summary>Sends and reads in bursts of random length, yielding between them: pauses without a clock.</summary>
    private static async Task TalkAsync(World world, Random random)
    {
        var sent = new byte[random.Next(0, 300_000)];
        random.NextBytes(sent);
        using var client = await world.ConnectAsync();
        var reading = ReadSlowlyAsync(client, new Random(random.Next()));
        for (var at = 0; at < sent.Length;)
        {
            at += await client.SendAsync(sent.AsMemory(at, Math.Min(random.Next(1, 40_000), sent.Length - at)), Token);
            await PauseAsync(random);
        }

        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(SHA256.HashData(sent), await reading);
    }

    private static async Task<byte[]> ReadSlowlyAsync(Socket client, Random random)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[20_000];
        for (int count; (count = await client.ReceiveAsync(buffer.AsMemory(0, random.Next(1, buffer.Length)), Token)) > 0;)
        {
            hash.AppendData(buffer, 0, count);
            await PauseAsync(random);
        }

        return hash.GetHashAndReset();
    }

    private static async Task PauseAsync(Random random)
    {
        for (var i = random.Next(0, 5); i > 0; i--)
        {
            await Task.Yield();
        }
    }
}
