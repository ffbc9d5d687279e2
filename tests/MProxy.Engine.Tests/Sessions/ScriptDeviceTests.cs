using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>A device written in script: whatever it waits for comes to an end, and what it cannot do it is told.</summary>
public class ScriptDeviceTests
{
    private const string Client = "IPv4,192.0.2.1,1";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_send_that_waits_while_the_client_is_paused_ends_with_the_client_or_the_link(bool atLinkEnd)
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await PausedAsync(world, peer);
        await peer.SendAsync(FrameKind.End, Meta(1));
        Assert.Equal(FrameKind.End, (await link.ReceiveFrameAsync(Token))!.Kind);
        var sending = link.SendFrameAsync(FrameKind.Message, Client, new byte[10], Token);
        Assert.False(sending.IsCompleted);
        var stopping = atLinkEnd ? link.StopAsync(cancellationToken: Token) : link.SendFrameAsync(FrameKind.Error, Client, default, Token);
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.False(await sending.WaitAsync(TimeSpan.FromSeconds(20), Token));
    }

    [Fact]
    public async Task A_send_that_waits_while_the_client_is_paused_can_be_cancelled_and_was_not_sent()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await PausedAsync(world, peer);
        using var cancel = new CancellationTokenSource();
        var sending = link.SendFrameAsync(FrameKind.Message, Client, "lost"u8.ToArray(), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(TimeSpan.FromSeconds(20), Token));

        // The client goes on without it.
        await peer.SendAsync(FrameKind.Resume, Meta(1), "0");
        Assert.True(await link.SendFrameAsync(FrameKind.Message, Client, "next"u8.ToArray(), Token));
        Assert.Equal("Message next", await peer.ReadAsync());
    }

    [Fact]
    public async Task A_message_after_the_end_is_not_sent()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync(peer);
        await OpenAsync(link, peer);
        Assert.True(await link.SendFrameAsync(FrameKind.End, Client, default, Token));
        Assert.False(await link.SendFrameAsync(FrameKind.Message, Client, new byte[3], Token));
        var pinging = link.SendControlAsync("ping", [], Token);
        Assert.Equal("End", await peer.ReadAsync());
        await peer.AnswerPingAsync();
        Assert.True((await pinging).Success);
    }

    [Fact]
    public async Task A_control_message_longer_than_a_relay_reads_is_refused_and_the_link_goes_on()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => link.SendControlAsync("x", [new string('a', 300_000)], Token));
        Assert.True((await link.SendControlAsync("ping", [], Token)).Success);
    }

    [Fact]
    public async Task A_dial_that_fails_in_an_unexpected_way_fails_the_connect()
    {
        var options = new DeviceLinkOptions { Dialer = _ => throw new InvalidOperationException("unexpected") };
        var connecting = DeviceLink.ConnectAsync(options, cancellationToken: Token);
        var error = await Assert.ThrowsAnyAsync<Exception>(() => connecting.WaitAsync(TimeSpan.FromSeconds(20), Token));
        Assert.Contains("unexpected", error.ToString(), StringComparison.Ordinal);
    }

    private static FrameMeta Meta(int port) => new() { Family = "IPv4", Address = "192.0.2.1", Port = port, Service = "tcp", ServicePort = 80 };

    private static async Task OpenAsync(DeviceLink link, RawPeer peer)
    {
        var receiving = link.ReceiveFrameAsync(Token);
        await peer.SendAsync(FrameKind.Connection, Meta(1));
        Assert.Equal(FrameKind.Connection, (await receiving)!.Kind);
    }

    /// <summary>A client that the relay has paused, which the device knows.</summary>
    private static async Task<DeviceLink> PausedAsync(MemoryWorld world, RawPeer peer)
    {
        var link = await world.ConnectLinkAsync(peer);
        await OpenAsync(link, peer);
        await peer.SendAsync(FrameKind.Pause, Meta(1), "0");
        await peer.SayAsync("[7,\"ping\"]");
        Assert.Equal("Control [-7,null]", await peer.ReadAsync());
        return link;
    }
}
