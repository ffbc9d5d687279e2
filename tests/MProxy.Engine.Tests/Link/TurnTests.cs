using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

/// <summary>Who sends next.</summary>
public class TurnTests : MachineTest
{
    [Fact]
    public void Clients_take_turns_and_a_keystroke_waits_for_one_frame_of_each_other_at_most()
    {
        var relay = UpMachine(LinkRole.Relay);
        var clients = Enumerable.Range(1, 4).Select(port => Open(relay, port)).ToArray();
        foreach (var client in clients)
        {
            relay.Offer(client, Frame(FrameKind.Message, client.Meta.Port!.Value, 100));
        }

        var keystroke = Open(relay, 9);
        relay.Offer(keystroke, Frame(FrameKind.Message, 9, 1));
        Events.TakeLog();
        var batch = new byte[300];
        List<string> order = [];
        while (relay.Gather(batch) > 0)
        {
            // Each bulk client has more as soon as its frame is taken.
            foreach (var taken in Events.TakeLog())
            {
                order.Add(taken);
                var port = int.Parse(taken.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
                if (port < 9 && order.Count < 12)
                {
                    relay.Offer(clients[port - 1], Frame(FrameKind.Message, port, 100));
                }
            }
        }

        Assert.Equal("9 sent", order[4]);
        Assert.Equal(["1 sent", "2 sent", "3 sent", "4 sent"], order[5..9]);
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

    private static LinkClient Open(LinkMachine relay, int port)
    {
        var client = relay.Clients.Open(Meta(port))!;
        return client;
    }
}
