using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

/// <summary>Who sends next.</summary>
public class TurnTests : MachineTest
{
    [Fact]
    public void A_keystroke_goes_ahead_of_every_bulk_transfer_and_those_take_turns()
    {
        var relay = UpMachine(LinkRole.Relay);
        LinkClient[] clients = [.. Enumerable.Range(1, 4).Select(port => Open(relay, port))];
        foreach (var client in clients)
        {
            Offer(relay, client, 100);
        }

        List<string> order = [.. Run(relay, clients, turns: 4, _ => 100)];
        Offer(relay, Open(relay, 9), 1);
        Events.TakeLog();
        order = [.. Run(relay, clients, turns: 9, _ => 100)];
        Assert.Equal("9 sent", order[0]);
        Assert.Equal(["1 sent", "2 sent", "3 sent", "4 sent"], order[1..5].Order());
        Assert.Equal(["1 sent", "2 sent", "3 sent", "4 sent"], order[5..9].Order());
    }

    [Fact]
    public void Shares_are_fair_in_bytes_however_long_the_frames_are_and_silence_saves_nothing_up()
    {
        var relay = UpMachine(LinkRole.Relay);
        LinkClient[] clients = [Open(relay, 1), Open(relay, 2), Open(relay, 3)];
        Offer(relay, clients[0], 60_000);
        Offer(relay, clients[1], 1_000);
        _ = Run(relay, clients, turns: 1000, Length).Count();
        Assert.InRange(clients[0].BytesSent - clients[1].BytesSent, -61_000, 61_000);

        // Whoever comes late begins with the others, and does not catch up with what they have had.
        var before = clients[0].BytesSent;
        Offer(relay, clients[2], 1_000);
        _ = Run(relay, clients, turns: 2000, Length).Count();
        Assert.InRange(clients[0].BytesSent - before - clients[2].BytesSent, -61_000, 61_000);
        Assert.InRange(clients[0].BytesSent - clients[1].BytesSent, -61_000, 61_000);

        static int Length(int port) => port == 1 ? 60_000 : 1_000;
    }

    [Fact]
    public void A_send_takes_no_more_frames_than_the_link_is_to_be_given_at_once()
    {
        var relay = UpMachine(LinkRole.Relay);
        LinkClient[] clients = [.. Enumerable.Range(1, 4).Select(port => Open(relay, port))];
        Events.Sent(relay);
        foreach (var client in clients)
        {
            Offer(relay, client, 1000);
        }

        Events.TakeLog();
        var batch = new byte[10_000];
        Assert.InRange(relay.Gather(batch, 1), 1000, 1200);
        Assert.Single(Events.TakeLog());
        Assert.InRange(relay.Gather(batch, 1500), 2000, 2400);
        Assert.Equal(2, Events.TakeLog().Count);
    }

    [Fact]
    public void Control_pause_and_resume_go_ahead_of_data()
    {
        var device = UpMachine(LinkRole.Device);
        device.Receive(Frame(FrameKind.Connection, 5));
        device.Offer(Events.Last!, Frame(FrameKind.Message, 5, 10));
        device.Receive([.. Frame(FrameKind.Message, 5, 101), .. Control("[7,\"ping\"]")]);
        Assert.Equal(["Pause 5 101", "Control  [-7,null]"], Events.Sent(device)[..2]);
    }

    [Fact]
    public void A_paused_clients_frame_waits_for_the_resume_and_an_end_stays_behind_it()
    {
        var device = UpMachine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Pause, 5)]);
        var client = Events.Last!;
        device.Offer(client, Frame(FrameKind.Message, 5, 10));
        Assert.Empty(Events.Sent(device));
        device.Receive([.. Frame(FrameKind.Resume, 5), .. Frame(FrameKind.Resume, 5)]);
        Assert.StartsWith("Message 5", Assert.Single(Events.Sent(device)), StringComparison.Ordinal);
        device.Receive(Frame(FrameKind.Resume, 5));
        Assert.Empty(Events.Sent(device));
    }

    [Fact]
    public void A_client_paused_in_the_queue_keeps_its_frame_and_delays_nobody()
    {
        var device = UpMachine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Connection, 6)]);
        device.Offer(device.Clients.Find("IPv4,10.0.0.1,5"u8)!, Frame(FrameKind.Message, 5, 10));
        device.Offer(device.Clients.Find("IPv4,10.0.0.1,6"u8)!, Frame(FrameKind.Message, 6, 10));
        device.Receive(Frame(FrameKind.Pause, 5));
        Assert.StartsWith("Message 6", Assert.Single(Events.Sent(device)), StringComparison.Ordinal);
        device.Receive(Frame(FrameKind.Resume, 5));
        Assert.StartsWith("Message 5", Assert.Single(Events.Sent(device)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_frame_of_a_client_that_is_over_is_not_sent()
    {
        var device = UpMachine(LinkRole.Device);
        device.Receive(Frame(FrameKind.Connection, 5));
        device.Offer(Events.Last!, Frame(FrameKind.Message, 5, 10));
        device.Receive(Frame(FrameKind.Error, 5));
        Assert.Empty(Events.Sent(device));
    }

    private static LinkClient Open(LinkMachine relay, int port) => relay.Clients.Open(Meta(port))!;

    private static void Offer(LinkMachine relay, LinkClient client, int length) =>
        relay.Offer(client, Frame(FrameKind.Message, client.Meta.Port!.Value, length));

    /// <summary>Sends what is there, frame by frame, and says whose that was; clients of bulk have more as soon as theirs is taken.</summary>
    private IEnumerable<string> Run(LinkMachine relay, LinkClient[] bulk, int turns, Func<int, int> lengthOf)
    {
        var batch = new byte[100_000];
        for (var turn = 0; turn < turns && relay.Gather(batch, 1) > 0;)
        {
            foreach (var taken in Events.TakeLog().Where(one => one.EndsWith(" sent", StringComparison.Ordinal)))
            {
                var port = int.Parse(taken.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
                if (port <= bulk.Length)
                {
                    Offer(relay, bulk[port - 1], lengthOf(port));
                }

                turn++;
                yield return taken;
            }
        }
    }
}
