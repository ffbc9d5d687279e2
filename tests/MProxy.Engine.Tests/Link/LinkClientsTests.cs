using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

/// <summary>The rules of protocol.md, section 4, on the state machine alone.</summary>
public class LinkClientsTests : MachineTest
{
    [Fact]
    public void A_client_opens_talks_and_ends()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Message, 5, 10), .. Frame(FrameKind.End, 5)]);
        Assert.Equal(["5 opened", "5 received 10", "5 ended"], Events.TakeLog());
        Assert.Equal(1, device.Clients.Count);
        device.Clients.End(Events.Last!);
        Assert.Equal(["End 5"], Events.Sent(device));
        Assert.Equal(0, device.Clients.Count);
    }

    [Fact]
    public void Data_after_an_end_is_dropped_and_after_a_close_refused_once()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.End, 5), .. Frame(FrameKind.Message, 5, 3)]);
        Assert.Equal(["5 opened", "5 ended"], Events.TakeLog());
        device.Clients.End(Events.Last!);
        Events.Sent(device);
        device.Receive([.. Frame(FrameKind.Pause, 5), .. Frame(FrameKind.Resume, 5), .. Frame(FrameKind.End, 5), .. Frame(FrameKind.Error, 5)]);
        Assert.Empty(Events.Sent(device));
        device.Receive([.. Frame(FrameKind.Message, 5, 3), .. Frame(FrameKind.Message, 5, 3)]);
        Assert.Contains("E_NO_CONN", Assert.Single(Events.Sent(device)), StringComparison.Ordinal);
        Assert.Empty(Events.TakeLog());
    }

    [Fact]
    public void A_stranger_is_refused_once_however_much_it_sends()
    {
        var relay = Machine(LinkRole.Relay);
        Events.Sent(relay);
        for (var i = 0; i < 50_000; i++)
        {
            relay.Receive(Frame(FrameKind.Message, 5, 1));
        }

        Assert.Contains("E_NO_CONN", Assert.Single(Events.Sent(relay)), StringComparison.Ordinal);
        Assert.Null(Events.BreakReason);
    }

    [Fact]
    public void A_client_that_fails_after_both_ends_gives_its_share_of_the_budget_back()
    {
        var device = Machine(LinkRole.Device);
        for (var port = 1; port <= 20; port++)
        {
            device.Receive([.. Frame(FrameKind.Connection, port), .. Frame(FrameKind.Message, port, 900), .. Frame(FrameKind.End, port)]);
            device.Clients.End(Events.Last!);
            device.Clients.Fail(Events.Last!, "E", "reset");
        }

        Assert.DoesNotContain(Events.Sent(device), sent => sent.StartsWith("Error", StringComparison.Ordinal));
        device.Receive([.. Frame(FrameKind.Connection, 99), .. Frame(FrameKind.Message, 99, 1000)]);
        Assert.Equal("99 received 1000", Events.TakeLog()[^1]);
    }

    [Fact]
    public void Data_that_comes_with_a_connection_is_delivered_in_any_pieces()
    {
        var device = Machine(LinkRole.Device);
        var bytes = FrameEncoder.Encode(FrameKind.Connection, Meta(5), "a b"u8);
        foreach (var value in bytes)
        {
            device.Receive([value]);
        }

        Assert.Equal(["5 opened", "5 received 1", "5 received 1", "5 received 1"], Events.TakeLog());
    }

    [Fact]
    public void A_message_opens_a_client_only_where_the_peer_sends_no_connection()
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Frame(FrameKind.Message, 5, 3));
        Assert.Equal(["5 opened", "5 received 3"], Events.TakeLog());
        device.Receive([.. Frame(FrameKind.Connection, 6), .. Frame(FrameKind.Message, 7, 3)]);
        Assert.Equal(["6 opened"], Events.TakeLog());
        Assert.Contains("E_NO_CONN", Assert.Single(Events.Sent(device)), StringComparison.Ordinal);
    }

    [Fact]
    public void An_ended_identity_is_remembered_for_a_minute_and_connection_reopens_it()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Message, 5, 3), .. Frame(FrameKind.Error, 5)]);
        Time.Advance(TimeSpan.FromSeconds(59));
        Events.TakeLog();
        device.Receive(Frame(FrameKind.Message, 5, 3));
        Assert.Empty(Events.TakeLog());
        Time.Advance(TimeSpan.FromSeconds(2));
        device.Receive(Frame(FrameKind.Message, 5, 3));
        Assert.Equal(["5 opened", "5 received 3"], Events.TakeLog());
        device.Receive([.. Frame(FrameKind.Error, 5), .. Frame(FrameKind.Connection, 5)]);
        Assert.Equal(["5 failed E_UNKNOWN_ERR", "5 opened"], Events.TakeLog());
    }

    [Fact]
    public void The_relay_never_opens_a_client_for_a_device()
    {
        var relay = Machine(LinkRole.Relay);
        Events.Sent(relay);
        relay.Receive([.. Frame(FrameKind.Message, 5, 3), .. Frame(FrameKind.Connection, 6)]);
        Assert.Empty(Events.TakeLog());
        Assert.Contains("E_NO_CONN", Assert.Single(Events.Sent(relay)), StringComparison.Ordinal);
    }

    [Fact]
    public void One_identity_is_one_client()
    {
        var relay = Machine(LinkRole.Relay);
        Assert.NotNull(relay.Clients.Open(Meta(5)));
        Assert.Null(relay.Clients.Open(Meta(5)));
        Assert.NotNull(relay.Clients.Open(Meta(6)));
    }

    [Fact]
    public void A_full_client_pauses_its_sender_and_a_drained_one_resumes_it()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Message, 5, 100)]);
        Assert.Empty(Events.Sent(device));
        device.Receive([.. Frame(FrameKind.Message, 5, 1), .. Frame(FrameKind.Message, 5, 50)]);
        Assert.Equal(["Pause 5 101"], Events.Sent(device));
        device.Clients.Delivered(Events.Last!, 130);
        Assert.Empty(Events.Sent(device));
        device.Clients.Delivered(Events.Last!, 1);
        Assert.Equal(["Resume 5 151"], Events.Sent(device));
    }

    [Fact]
    public void A_client_past_its_bound_ends_alone()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Connection, 6), .. Frame(FrameKind.Message, 5, 1000), .. Frame(FrameKind.Message, 5, 1)]);
        Assert.Equal("5 failed E_OVERFLOW", Events.TakeLog()[^1]);
        Assert.Contains(Events.Sent(device), sent => sent.StartsWith("Error 5", StringComparison.Ordinal) && sent.Contains("E_OVERFLOW", StringComparison.Ordinal));
        device.Receive(Frame(FrameKind.Message, 6, 10));
        Assert.Equal(["6 received 10"], Events.TakeLog());
    }

    [Fact]
    public void All_clients_share_the_links_budget_and_the_one_with_the_most_waiting_goes()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Connection, 6), .. Frame(FrameKind.Message, 5, 900), .. Frame(FrameKind.Message, 6, 500)]);
        Events.TakeLog();
        device.Receive(Frame(FrameKind.Message, 6, 200));
        Assert.Equal(["5 failed E_OVERFLOW", "6 received 200"], Events.TakeLog());
        device.Receive([.. Frame(FrameKind.Connection, 7), .. Frame(FrameKind.Message, 7, 900)]);
        Assert.Equal(["7 opened", "7 failed E_OVERFLOW"], Events.TakeLog());
    }

    [Fact]
    public void A_client_that_has_ended_and_still_drains_counts_in_the_budget_too()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Message, 5, 900), .. Frame(FrameKind.End, 5)]);
        device.Clients.End(Events.Last!);
        device.Receive([.. Frame(FrameKind.Connection, 6), .. Frame(FrameKind.Message, 6, 400)]);
        Events.Sent(device);
        Events.TakeLog();
        device.Receive(Frame(FrameKind.Message, 6, 400));
        Assert.Equal(["5 failed E_OVERFLOW", "6 received 400"], Events.TakeLog());
        Assert.DoesNotContain(Events.Sent(device), sent => sent.StartsWith("Error", StringComparison.Ordinal));
    }

    [Fact]
    public void What_a_failed_client_left_waiting_counts_against_nobody()
    {
        var device = Machine(LinkRole.Device);
        for (var port = 1; port <= 20; port++)
        {
            device.Receive([.. Frame(FrameKind.Connection, port), .. Frame(FrameKind.Message, port, 900), .. Frame(FrameKind.Error, port)]);
            device.Clients.Delivered(Events.Last!, 900);
        }

        device.Receive([.. Frame(FrameKind.Connection, 99), .. Frame(FrameKind.Message, 99, 1000)]);
        Assert.Equal("99 received 1000", Events.TakeLog()[^1]);
    }

    [Fact]
    public void An_error_ends_a_client_at_once()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. FrameEncoder.Encode(FrameKind.Error, Meta(5), ErrorBody.Create("gone", "E_NO_CONN"))]);
        Assert.Equal(["5 opened", "5 failed E_NO_CONN"], Events.TakeLog());
        Assert.Equal(0, device.Clients.Count);
        Assert.Empty(Events.Sent(device));
    }

    [Fact]
    public void A_peer_that_makes_us_answer_and_never_reads_is_cut_off()
    {
        var relay = UpMachine(LinkRole.Relay);
        var ping = Control("[7,\"ping\"]");
        for (var i = 0; i < 10_000; i++)
        {
            relay.Receive(ping);
        }

        Assert.Null(Events.BreakReason);
        for (var i = 0; i < 50_000; i++)
        {
            relay.Receive(ping);
        }

        Assert.Contains("does not read", Events.BreakReason!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_frame_end_the_link() =>
        Assert.Throws<ProtocolException>(() => Machine(LinkRole.Relay).Receive("GET / HTTP/1.1\r\n\r\n"u8));
}
