using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Packets;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Packets;

/// <summary>tcpdump captures a real link on loopback, and its file says all that happened on it.</summary>
public sealed class TcpdumpTests
{
    [Theory]
    [InlineData("tcp")]
    [InlineData("ws")]
    public async Task A_real_link_is_read_from_its_packets(string scheme)
    {
        Programs.Need("tcpdump");
        var path = Path.GetTempFileName();
        var sent = new byte[300_000];
        new Random(1).NextBytes(sent);
        try
        {
            int port;
            await using (var service = new FrontService(LocalService.EchoAsync))
            {
                await using var relay = RelayServer.Start(WorldOptions.Relays($"{scheme}://127.0.0.1:0"));
                port = relay.Listen[0].Port;
                await using var tcpdump = new Daemon("tcpdump", "-i", "lo", "-s", "0", "-U", "-Z", "root", "-B", "65536", "-w", path, "tcp", "port", $"{port}");
                await tcpdump.UntilAsync(() => tcpdump.Output.Contains("listening on", StringComparison.Ordinal));
                await using (await Tunnel.StartAsync(WorldOptions.Tunnels(WorldOptions.Links(relay.Listen[0]), "tcp", service.Target), cancellationToken: TestContext.Current.CancellationToken))
                {
                    using var client = await TcpSocket.ConnectAsync("127.0.0.1", relay.TcpPort[0], TestContext.Current.CancellationToken);
                    var heard = LocalService.ReadAllAsync(client);
                    await LocalService.SendAllAsync(client, sent, 10_000);
                    client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
                    Assert.Equal(sent, await heard);
                }

                // As far as it has come: it writes packet by packet.
                await tcpdump.UntilAsync(() => Read(path, port).Count(seen => seen.Frame.Kind == FrameKind.End) == 2);
            }

            var frames = Read(path, port);
            Assert.Contains(frames, seen => seen.Frame.Kind == FrameKind.Control && Encoding.UTF8.GetString(seen.Frame.Data).Contains("\"hello\"", StringComparison.Ordinal) && seen.Source.Port == port);
            Assert.Equal("tcp", Assert.Single(frames, seen => seen.Frame.Kind == FrameKind.Connection).Frame.Service);
            Assert.All([true, false], isRelay => Assert.Equal(sent, frames.Where(seen => seen.Frame.Kind == FrameKind.Message && seen.Source.Port == port == isRelay).SelectMany(seen => seen.Frame.Data)));
            Assert.All(frames, seen => Assert.InRange(DateTimeOffset.UtcNow - seen.Time, TimeSpan.FromSeconds(-1), TimeSpan.FromMinutes(2)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>What is there; its last packet may be half written.</summary>
    private static List<PacketFrame> Read(string path, int port)
    {
        List<PacketFrame> frames = [];
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            frames.AddRange(new PacketLinkReader(new PacketLinkOptions { Ports = [port] }).Read(file));
        }
        catch (PacketFileException)
        {
        }

        return frames;
    }
}
