using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

/// <summary>No frame of a client that is over reaches the next one of the same address and port.</summary>
public class LateFrameTests : MachineTest
{
    [Fact]
    public void An_identity_comes_back_to_a_relay_when_what_was_on_its_way_is_here()
    {
        var relay = UpMachine(LinkRole.Relay);
        var client = relay.Clients.Open(Meta(5))!;
        Events.Sent(relay);
        relay.Clients.Fail(client, "E", "reset");
        Assert.Equal(["Error 5 {\"message\":\"reset\",\"code\":\"E\"}", "Control  [1001,\"ping\"]"], Events.Sent(relay));
        Assert.Null(relay.Clients.Open(Meta(5)));

        // What the device sent before it read the error is for nobody, and is not answered: the error said all.
        relay.Receive(Frame(FrameKind.Message, 5, 10));
        Assert.Empty(Events.Sent(relay));
        relay.Receive(Control("[-1001,null]"));
        Assert.NotNull(relay.Clients.Open(Meta(5)));
        Assert.Empty(Events.TakeLog());
    }

    [Fact]
    public void One_ping_serves_all_that_fail_until_it_is_answered_and_those_behind_it_get_another()
    {
        var relay = UpMachine(LinkRole.Relay);
        var clients = Enumerable.Range(1, 3).Select(port => relay.Clients.Open(Meta(port))!).ToArray();
        Events.Sent(relay);
        Array.ForEach(clients, client => relay.Clients.Fail(client, "E", ""));
        Assert.Single(Events.Sent(relay), sent => sent.StartsWith("Control", StringComparison.Ordinal));
        relay.Receive(Control("[-1001,null]"));
        Assert.NotNull(relay.Clients.Open(Meta(1)));
        Assert.Null(relay.Clients.Open(Meta(2)));
        Assert.Contains("Control  [1002,\"ping\"]", Events.Sent(relay));
        relay.Receive(Control("[-1002,{\"code\":\"E_UNKNOWN_COMMAND\",\"message\":\"\"}]"));
        Assert.NotNull(relay.Clients.Open(Meta(2)));
        Assert.NotNull(relay.Clients.Open(Meta(3)));
    }

    [Fact]
    public void An_answer_that_does_not_come_frees_no_identity_however_long_it_takes()
    {
        var relay = UpMachine(LinkRole.Relay);
        relay.Clients.Fail(relay.Clients.Open(Meta(5))!, "E", "reset");
        Events.Sent(relay);

        // Bytes come, so the peer is there: the answer is only behind a backlog.
        for (var i = 0; i < 12; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(10));
            relay.Tick(Time.GetTimestamp());
        }

        Assert.Null(relay.Clients.Open(Meta(5)));
        relay.Receive(Frame(FrameKind.Message, 5, 50));
        Assert.Empty(Events.TakeLog());
        relay.Receive(Control("[-1001,null]"));
        Assert.NotNull(relay.Clients.Open(Meta(5)));
    }

    [Fact]
    public void An_identity_that_ended_in_order_is_free_when_the_device_knows_that()
    {
        var relay = UpMachine(LinkRole.Relay);
        var ended = relay.Clients.Open(Meta(5))!;
        relay.Clients.End(ended);
        relay.Receive(Frame(FrameKind.End, 5));
        Assert.Equal(["Connection 5", "End 5"], Events.Sent(relay));

        // The device may not have seen the end yet, and still speak of the client. It is asked when somebody wants to know.
        Assert.Null(relay.Clients.Open(Meta(5)));
        Assert.Equal(["Control  [1001,\"ping\"]"], Events.Sent(relay));
        relay.Receive([.. Frame(FrameKind.Pause, 5), .. Frame(FrameKind.Error, 5)]);
        Assert.Null(relay.Clients.Open(Meta(5)));
        Assert.Empty(Events.Sent(relay));
        relay.Receive(Control("[-1001,null]"));
        Assert.True(Events.IsReleased);
        var next = relay.Clients.Open(Meta(5))!;
        Assert.False(next.IsPausedByPeer || next.IsClosed);
    }

    [Fact]
    public void A_client_that_the_device_failed_leaves_its_identity_free()
    {
        var relay = UpMachine(LinkRole.Relay);
        _ = relay.Clients.Open(Meta(6));
        relay.Receive(Frame(FrameKind.Error, 6));
        Assert.NotNull(relay.Clients.Open(Meta(6)));
    }

    [Fact]
    public void Ends_in_order_cost_one_ping_for_a_thousand()
    {
        var relay = UpMachine(LinkRole.Relay);
        var pings = 0;
        for (var port = 1; port <= 5000; port++)
        {
            relay.Clients.End(relay.Clients.Open(Meta(port))!);
            relay.Receive(Frame(FrameKind.End, port));
            foreach (var sent in Events.Sent(relay).Where(sent => sent.StartsWith("Control", StringComparison.Ordinal)))
            {
                relay.Receive(Control($"[-{1000 + ++pings},null]"));
            }
        }

        Assert.Equal(4, pings);
    }

    [Fact]
    public void A_peer_that_answers_no_ping_while_its_clients_come_and_go_loses_its_link_before_the_relay_much_memory()
    {
        const int Most = 65_536;
        var relay = UpMachine(LinkRole.Relay);
        var ended = 0;
        for (; Events.BreakReason is null && ended < 2 * Most; ended++)
        {
            EndNext(relay, ended);
        }

        // Those before the ping that is not answered, and as many behind it as are kept, and the one that was too many.
        Assert.Contains("answers no ping", Events.BreakReason!.Message, StringComparison.Ordinal);
        Assert.Equal(1 + Most + 1, ended);
    }

    [Fact]
    public void One_that_answers_may_have_any_number()
    {
        var relay = UpMachine(LinkRole.Relay);
        for (var (ended, pings) = (0, 0); ended < 70_000; ended++)
        {
            EndNext(relay, ended);
            foreach (var sent in ended % 100 > 0 ? [] : Events.Sent(relay).Where(sent => sent.StartsWith("Control", StringComparison.Ordinal)))
            {
                relay.Receive(Control($"[-{1001 + pings++},null]"));
            }
        }

        Assert.Null(Events.BreakReason);
    }

    [Fact]
    public void A_device_that_failed_a_client_says_nothing_more_of_it_that_could_hit_the_next()
    {
        var device = UpMachine(LinkRole.Device);
        device.Receive(Frame(FrameKind.Connection, 5));
        device.Clients.Fail(Events.Last!, "E", "");
        Events.Sent(device);
        device.Receive([.. Frame(FrameKind.Message, 5, 3), .. Frame(FrameKind.Pause, 5), .. Frame(FrameKind.End, 5)]);
        Assert.Empty(Events.Sent(device));
    }

    [Theory]
    [InlineData("IPv4,10.0.0.1,5,1,tcp,81,")]
    [InlineData("IPv4,10.0.0.1,5,1,tcp,80,other.example")]
    [InlineData("IPv4,10.0.0.1,5,1,end,81,")]
    public void A_frame_that_names_another_port_or_name_than_the_clients_is_refused(string header)
    {
        var relay = UpMachine(LinkRole.Relay);
        _ = relay.Clients.Open(Meta(5));
        Events.Sent(relay);
        relay.Receive([254, (byte)header.Length, .. System.Text.Encoding.ASCII.GetBytes(header), (byte)'x']);
        Assert.Equal(["5 failed E_NOT_GRANTED"], Events.TakeLog());
        Assert.Contains("E_NOT_GRANTED", Events.Sent(relay)[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("IPv4,10.0.0.1,5,1,tcp")]
    [InlineData("IPv4,10.0.0.1,5,1,whatever,80,")]
    public void A_frame_that_leaves_them_out_or_names_another_service_is_the_clients(string header)
    {
        var relay = UpMachine(LinkRole.Relay);
        _ = relay.Clients.Open(Meta(5));
        relay.Receive([254, (byte)header.Length, .. System.Text.Encoding.ASCII.GetBytes(header), (byte)'x']);
        Assert.Equal(["5 received 1"], Events.TakeLog());
    }

    /// <summary>A client of its own address comes, and fails.</summary>
    private static void EndNext(LinkMachine relay, int number) =>
        relay.Clients.Fail(relay.Clients.Open(Meta(number & 0xffff) with { Address = $"10.0.{number >> 16}.1" })!, "E", "");
}
