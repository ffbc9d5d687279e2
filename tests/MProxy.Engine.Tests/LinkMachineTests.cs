using System.Text;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests;

/// <summary>The rules of protocol.md, sections 2 and 4, on the state machine alone.</summary>
public class LinkMachineTests
{
    private static readonly LinkOptions Small = new() { HighMark = 100, LowMark = 20, ClientBound = 1000, LinkBudget = 1500 };

    private readonly ManualTime _time = new();
    private readonly RecordingEvents _events = new();

    [Fact]
    public void The_relay_greets_and_the_device_answers()
    {
        Assert.Equal(["Control  [1,\"hello\",[1],[\"ping\"]]"], _events.Sent(Machine(LinkRole.Relay)));
        var device = Machine(LinkRole.Device);
        device.Receive(Control("[1,\"hello\",[254],[\"add_token\"]]"));
        Assert.Equal(["Control  [-1,null]", "Control  [1,\"ping\"]"], _events.Sent(device));
        Assert.Empty(_events.TakeLog());
    }

    [Theory]
    [InlineData("[-1,null]")]
    [InlineData("[-1,{\"message\":\"unknown command\",\"code\":\"E_UNKNOWN_COMMAND\"}]")]
    public void A_device_is_up_when_its_ping_is_answered_however(string reply)
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Control(reply));
        Assert.False(device.IsUp);
        device.Receive(Control("[1,\"hello\",[1],[]]"));
        device.Receive(Control(reply));
        Assert.True(device.IsUp);
        Assert.Equal(["up"], _events.TakeLog());
    }

    [Theory]
    [InlineData("[-1,null]", true)]
    [InlineData("[-1,\"[Error] bad hello\"]", false)]
    [InlineData("[-2,null]", false)]
    public void A_relay_is_up_when_its_hello_is_accepted(string reply, bool isUp)
    {
        var relay = Machine(LinkRole.Relay);
        relay.Receive(Control(reply));
        Assert.Equal(isUp, relay.IsUp);
    }

    [Theory]
    [InlineData("[7,\"ping\"]", "[-7,null]")]
    [InlineData("[7,\"nonsense\"]", "[-7,{\"message\":\"unknown command\",\"code\":\"E_UNKNOWN_COMMAND\"}]")]
    [InlineData("{}", "E_BAD_COMMAND")]
    [InlineData("[1", "E_BAD_COMMAND")]
    [InlineData("[1.5,\"ping\"]", "E_BAD_COMMAND")]
    [InlineData("[1,2]", "E_BAD_COMMAND")]
    public void A_command_is_answered_and_never_fatal(string command, string answer)
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Control(command));
        Assert.Contains(answer, Assert.Single(_events.Sent(device)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[-1,null]")]
    [InlineData("[0,{\"message\":\"m\",\"code\":\"E\"}]")]
    [InlineData("[0,\"[Error] text\"]")]
    [InlineData(" ")]
    public void Replies_and_out_of_band_errors_are_not_answered(string message)
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Control(message));
        Assert.Empty(_events.Sent(device));
    }

    [Fact]
    public void A_control_message_over_its_limit_is_answered_and_the_link_goes_on()
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Control($"[1,\"{new string('x', 100_000)}\"]"));
        device.Receive(Control("[2,\"ping\"]"));
        var sent = _events.Sent(device);
        Assert.Contains("E_BAD_COMMAND", sent[0], StringComparison.Ordinal);
        Assert.Equal("Control  [-2,null]", sent[1]);
    }

    [Fact]
    public void A_client_opens_talks_and_ends()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Message, 5, 10), .. Frame(FrameKind.End, 5)]);
        Assert.Equal(["5 opened", "5 received 10", "5 ended"], _events.TakeLog());
        Assert.Equal(1, device.ClientCount);
        device.End(_events.Last!);
        Assert.Equal(["End 5"], _events.Sent(device));
        Assert.Equal(0, device.ClientCount);
    }

    [Fact]
    public void Data_after_an_end_is_dropped_and_after_a_close_refused_once()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.End, 5), .. Frame(FrameKind.Message, 5, 3)]);
        Assert.Equal(["5 opened", "5 ended"], _events.TakeLog());
        device.End(_events.Last!);
        _events.Sent(device);
        device.Receive([.. Frame(FrameKind.Pause, 5), .. Frame(FrameKind.Resume, 5), .. Frame(FrameKind.End, 5), .. Frame(FrameKind.Error, 5)]);
        Assert.Empty(_events.Sent(device));
        device.Receive([.. Frame(FrameKind.Message, 5, 3), .. Frame(FrameKind.Message, 5, 3)]);
        Assert.Contains("E_NO_CONN", Assert.Single(_events.Sent(device)), StringComparison.Ordinal);
        Assert.Empty(_events.TakeLog());
    }

    [Fact]
    public void A_stranger_is_refused_once_however_much_it_sends()
    {
        var relay = Machine(LinkRole.Relay);
        _events.Sent(relay);
        for (var i = 0; i < 50_000; i++)
        {
            relay.Receive(Frame(FrameKind.Message, 5, 1));
        }

        Assert.Contains("E_NO_CONN", Assert.Single(_events.Sent(relay)), StringComparison.Ordinal);
        Assert.False(relay.Outbox.HasOverflowed);
    }

    [Fact]
    public void A_client_that_fails_after_both_ends_gives_its_share_of_the_budget_back()
    {
        var device = Machine(LinkRole.Device);
        for (var port = 1; port <= 20; port++)
        {
            device.Receive([.. Frame(FrameKind.Connection, port), .. Frame(FrameKind.Message, port, 900), .. Frame(FrameKind.End, port)]);
            device.End(_events.Last!);
            device.Fail(_events.Last!, "E", "reset");
        }

        Assert.DoesNotContain(_events.Sent(device), sent => sent.StartsWith("Error", StringComparison.Ordinal));
        device.Receive([.. Frame(FrameKind.Connection, 99), .. Frame(FrameKind.Message, 99, 1000)]);
        Assert.Equal("99 received 1000", _events.TakeLog()[^1]);
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

        Assert.Equal(["5 opened", "5 received 1", "5 received 1", "5 received 1"], _events.TakeLog());
    }

    [Fact]
    public void A_message_opens_a_client_only_where_the_peer_sends_no_connection()
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Frame(FrameKind.Message, 5, 3));
        Assert.Equal(["5 opened", "5 received 3"], _events.TakeLog());
        device.Receive([.. Frame(FrameKind.Connection, 6), .. Frame(FrameKind.Message, 7, 3)]);
        Assert.Equal(["6 opened"], _events.TakeLog());
        Assert.Contains("E_NO_CONN", Assert.Single(_events.Sent(device)), StringComparison.Ordinal);
    }

    [Fact]
    public void An_ended_identity_is_remembered_for_a_minute_and_connection_reopens_it()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Message, 5, 3), .. Frame(FrameKind.Error, 5)]);
        _time.Advance(TimeSpan.FromSeconds(59));
        _events.TakeLog();
        device.Receive(Frame(FrameKind.Message, 5, 3));
        Assert.Empty(_events.TakeLog());
        _time.Advance(TimeSpan.FromSeconds(2));
        device.Receive(Frame(FrameKind.Message, 5, 3));
        Assert.Equal(["5 opened", "5 received 3"], _events.TakeLog());
        device.Receive([.. Frame(FrameKind.Error, 5), .. Frame(FrameKind.Connection, 5)]);
        Assert.Equal(["5 failed E_UNKNOWN_ERR", "5 opened"], _events.TakeLog());
    }

    [Fact]
    public void The_relay_never_opens_a_client_for_a_device()
    {
        var relay = Machine(LinkRole.Relay);
        _events.Sent(relay);
        relay.Receive([.. Frame(FrameKind.Message, 5, 3), .. Frame(FrameKind.Connection, 6)]);
        Assert.Empty(_events.TakeLog());
        Assert.Contains("E_NO_CONN", Assert.Single(_events.Sent(relay)), StringComparison.Ordinal);
    }

    [Fact]
    public void One_identity_is_one_client()
    {
        var relay = Machine(LinkRole.Relay);
        Assert.NotNull(relay.Open(Meta(5)));
        Assert.Null(relay.Open(Meta(5)));
        Assert.NotNull(relay.Open(Meta(6)));
    }

    [Fact]
    public void A_full_client_pauses_its_sender_and_a_drained_one_resumes_it()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Message, 5, 100)]);
        Assert.Empty(_events.Sent(device));
        device.Receive([.. Frame(FrameKind.Message, 5, 1), .. Frame(FrameKind.Message, 5, 50)]);
        Assert.Equal(["Pause 5 101"], _events.Sent(device));
        device.Delivered(_events.Last!, 130);
        Assert.Empty(_events.Sent(device));
        device.Delivered(_events.Last!, 1);
        Assert.Equal(["Resume 5 151"], _events.Sent(device));
    }

    [Fact]
    public void A_client_past_its_bound_ends_alone()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Connection, 6), .. Frame(FrameKind.Message, 5, 1000), .. Frame(FrameKind.Message, 5, 1)]);
        Assert.Equal("5 failed E_OVERFLOW", _events.TakeLog()[^1]);
        Assert.Contains(_events.Sent(device), sent => sent.StartsWith("Error 5", StringComparison.Ordinal) && sent.Contains("E_OVERFLOW", StringComparison.Ordinal));
        device.Receive(Frame(FrameKind.Message, 6, 10));
        Assert.Equal(["6 received 10"], _events.TakeLog());
    }

    [Fact]
    public void All_clients_share_the_links_budget()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. Frame(FrameKind.Connection, 6), .. Frame(FrameKind.Message, 5, 900), .. Frame(FrameKind.Message, 6, 700)]);
        Assert.Equal("6 failed E_OVERFLOW", _events.TakeLog()[^1]);
    }

    [Fact]
    public void What_a_failed_client_left_waiting_counts_against_nobody()
    {
        var device = Machine(LinkRole.Device);
        for (var port = 1; port <= 20; port++)
        {
            device.Receive([.. Frame(FrameKind.Connection, port), .. Frame(FrameKind.Message, port, 900), .. Frame(FrameKind.Error, port)]);
            device.Delivered(_events.Last!, 900);
        }

        device.Receive([.. Frame(FrameKind.Connection, 99), .. Frame(FrameKind.Message, 99, 1000)]);
        Assert.Equal("99 received 1000", _events.TakeLog()[^1]);
    }

    [Fact]
    public void An_error_ends_a_client_at_once()
    {
        var device = Machine(LinkRole.Device);
        device.Receive([.. Frame(FrameKind.Connection, 5), .. FrameEncoder.Encode(FrameKind.Error, Meta(5), ErrorBody.Create("gone", "E_NO_CONN"))]);
        Assert.Equal(["5 opened", "5 failed E_NO_CONN"], _events.TakeLog());
        Assert.Equal(0, device.ClientCount);
        Assert.Empty(_events.Sent(device));
    }

    [Fact]
    public void A_peer_that_makes_us_answer_and_never_reads_is_cut_off()
    {
        var device = Machine(LinkRole.Device);
        var ping = Control("[7,\"ping\"]");
        for (var i = 0; i < 10_000; i++)
        {
            device.Receive(ping);
        }

        Assert.False(device.Outbox.HasOverflowed);
        for (var i = 0; i < 50_000; i++)
        {
            device.Receive(ping);
        }

        Assert.True(device.Outbox.HasOverflowed);
    }

    [Fact]
    public void Bytes_that_are_no_frame_end_the_link() =>
        Assert.Throws<ProtocolException>(() => Machine(LinkRole.Relay).Receive("GET / HTTP/1.1\r\n\r\n"u8));

    private static FrameMeta Meta(int port) => new() { Family = "IPv4", Address = "10.0.0.1", Port = port, Service = "tcp", ServicePort = 80 };

    private static byte[] Frame(FrameKind kind, int port, int length = 0) => FrameEncoder.Encode(kind, Meta(port), new byte[length]);

    private static byte[] Control(string json) => FrameEncoder.Encode(FrameKind.Control, default, Encoding.UTF8.GetBytes(json));

    private LinkMachine Machine(LinkRole role) => new(role, Small, _events, _time);
}
