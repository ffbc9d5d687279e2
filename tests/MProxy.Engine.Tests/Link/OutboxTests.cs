using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

/// <summary>What a link says of itself goes out in order and ahead of data, however much of it waits.</summary>
public class OutboxTests : MachineTest
{
    [Theory]
    [InlineData(100)]
    [InlineData(150)]
    [InlineData(260)]
    public void A_clients_data_never_overtakes_its_connection_however_the_batches_are_cut(int room)
    {
        var relay = UpMachine(LinkRole.Relay);
        for (var port = 1; port <= 40; port++)
        {
            // Connections of many lengths, of which one does not fit where the short message of another would.
            var client = relay.Clients.Open(Meta(port) with { Name = new string('n', port) })!;
            relay.Offer(client, FrameEncoder.Encode(FrameKind.Message, Meta(port) with { Service = null }, "x"u8));
        }

        var sent = SentIn(relay, room);
        Assert.Equal(80, sent.Count);
        for (var port = 1; port <= 40; port++)
        {
            Assert.Equal([$"Connection {port}", $"Message {port}"], sent.Where(frame => frame.EndsWith($" {port}", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void A_control_message_longer_than_a_peer_reads_is_refused_and_blocks_nothing()
    {
        var device = UpMachine(LinkRole.Device);
        var deadline = device.NextDeadline;
        Assert.Throws<ArgumentException>(() => device.Control.Request("x", new string('a', 64 << 10)));
        Assert.Equal(deadline, device.NextDeadline);
        var id = device.Control.Request("ping");
        Assert.Equal([$"Control  [{id},\"ping\"]"], Events.Sent(device));
    }

    [Fact]
    public void A_peer_that_reads_nothing_while_clients_come_and_go_loses_its_link()
    {
        var relay = UpMachine(LinkRole.Relay);
        var count = 0;
        for (; Events.BreakReason is null && count < 1_000_000; count++)
        {
            var client = relay.Clients.Open(Meta(1 + (count % 60_000)) with { Address = $"192.0.2.{count / 60_000}" });
            if (client is not null)
            {
                relay.Clients.Fail(client, ErrorCode.Idle, new string('e', 500));
            }
        }

        // Its clients are over, each with a connection and an error that wait; or it never answers the ping behind the ends.
        Assert.InRange(count, 60_000, 120_000);
        Assert.NotNull(Events.BreakReason);
        Assert.Equal(0, relay.Clients.Count);
    }

    [Fact]
    public void Ending_all_of_many_clients_at_once_does_not_end_their_link()
    {
        var relay = UpMachine(LinkRole.Relay);
        for (var port = 1; port <= 12_000; port++)
        {
            relay.Clients.Open(Meta(port));
        }

        foreach (var client in relay.Clients.All.ToList())
        {
            relay.Clients.Fail(client, ErrorCode.NotGranted, "the device may no longer serve this client: its token was deleted");
        }

        Assert.Null(Events.BreakReason);
        Assert.Equal(0, relay.Clients.Count);

        // Each connection and each error, and one ping behind the first of them.
        Assert.Equal(24_001, SentIn(relay, 256 << 10).Count);
    }

    private static List<string> SentIn(LinkMachine machine, int room)
    {
        var batch = new byte[room];
        var reader = new FrameReader();
        List<string> sent = [];
        for (int length; (length = machine.Gather(batch, batch.Length)) > 0;)
        {
            ReadOnlySpan<byte> bytes = batch.AsSpan(0, length);
            while (reader.TryRead(ref bytes, out var frame))
            {
                sent.Add($"{frame.Kind} {frame.Port}");
            }
        }

        return sent;
    }
}
