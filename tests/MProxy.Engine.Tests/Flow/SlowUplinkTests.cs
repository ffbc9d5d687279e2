using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Flow;

/// <summary>A way that is slow is not one that is gone.</summary>
public class SlowUplinkTests
{
    private const int Batch = 256 << 10;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_link_whose_bytes_are_taken_slowly_lives_although_no_probe_is_answered_and_dies_when_none_are_taken()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync(peer);
        EventLog events = new();
        link.EventRaised += events.Take;
        var receiving = link.ReceiveFrameAsync(Token);
        await peer.SendAsync(FrameKind.Connection, new FrameMeta { Family = "IPv4", Address = "192.0.2.1", Port = 1, Service = "tcp", ServicePort = 80 });
        await receiving;
        var sending = link.SendFrameAsync(FrameKind.Message, "IPv4,192.0.2.1,1", new byte[16 << 20], Token);
        for (var i = 0; i < 20; i++)
        {
            world.Time.Advance(TimeSpan.FromSeconds(8));

            // Two sends: that the first went through, which had been blocked, is known when the second has.
            var until = link.BytesOut + (2 * (Batch - (70 << 10)));
            while (link.BytesOut < until)
            {
                await peer.ReadAsync().WaitAsync(TimeSpan.FromSeconds(20), Token);
            }
        }

        Assert.Equal(LinkState.Connected, link.State);

        // Twice: that a send went through after the last read may be noticed only now.
        for (var i = 0; i < 2; i++)
        {
            world.Time.Advance(TimeSpan.FromSeconds(15.1));
            world.Time.Advance(TimeSpan.FromSeconds(10.1));
        }

        Assert.Contains("silent", (await events.NextAsync(EventKind.LinkLost)).Message, StringComparison.Ordinal);
        Assert.False(await sending);
    }
}
