using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Link;

/// <summary>The rules of protocol.md, section 2, on the state machine alone.</summary>
public class ControlChannelTests : MachineTest
{
    [Fact]
    public void The_relay_greets_and_the_device_answers()
    {
        Assert.Equal(["Control  [1,\"hello\",[1],[\"add_token\",\"check_token\",\"delete_token\",\"auth\",\"authn\",\"authz\",\"drain\",\"ping\",\"services\",\"session\"]]"], Events.Sent(Machine(LinkRole.Relay)));
        var device = Machine(LinkRole.Device);
        device.Receive(Control("[1,\"hello\",[254],[\"add_token\"]]"));
        Assert.Equal(["Control  [-1,null]", "Control  [1001,\"ping\"]"], Events.Sent(device));
        Assert.Empty(Events.TakeLog());
    }

    [Theory]
    [InlineData("[-1001,null]")]
    [InlineData("[-1001,{\"message\":\"unknown command\",\"code\":\"E_UNKNOWN_COMMAND\"}]")]
    [InlineData("[0,{\"message\":\"unknown command\",\"code\":\"E_UNKNOWN_COMMAND\"}]")]
    public void A_device_is_up_when_its_ping_is_answered_however(string reply)
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Control("[-1001,null]"));
        Assert.False(device.Control.IsUp);
        device.Receive(Control("[1,\"hello\",[1],[]]"));
        device.Receive(Control(reply));
        Assert.True(device.Control.IsUp);
        Assert.Equal(["up"], Events.TakeLog());
    }

    [Theory]
    [InlineData("[-1,null]", true)]
    [InlineData("[-1,\"[Error] bad hello\"]", false)]
    [InlineData("[-2,null]", false)]
    public void A_relay_is_up_when_its_hello_is_accepted(string reply, bool isUp)
    {
        var relay = Machine(LinkRole.Relay);
        relay.Receive(Control(reply));
        Assert.Equal(isUp, relay.Control.IsUp);
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
        Assert.Contains(answer, Assert.Single(Events.Sent(device)), StringComparison.Ordinal);
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
        Assert.Empty(Events.Sent(device));
    }

    [Fact]
    public void A_control_message_over_its_limit_is_answered_and_the_link_goes_on()
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Control($"[1,\"{new string('x', 100_000)}\"]"));
        device.Receive(Control("[2,\"ping\"]"));
        var sent = Events.Sent(device);
        Assert.Contains("E_BAD_COMMAND", sent[0], StringComparison.Ordinal);
        Assert.Equal("Control  [-2,null]", sent[1]);
    }

    [Theory]
    [InlineData("[1,\"hello\",[1],[\"add_token\",\"x\"]]")]
    [InlineData("[1,\"hello\",[254,253],[\"add_token\",\"x\"]]")]
    [InlineData("[1,\"hello\",254,[\"add_token\",\"x\"]]")]
    public void A_hello_is_read_in_every_published_form(string hello)
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Control(hello));
        Assert.Equal("Control  [-1,null]", Events.Sent(device)[0]);
        Assert.Equal(["add_token", "x"], device.Control.PeerCommands);
        Assert.NotEmpty(device.Control.PeerVersions);
    }

    [Theory]
    [InlineData("[1,\"hello\"]")]
    [InlineData("[1,\"hello\",[2]]")]
    [InlineData("[1,\"hello\",\"1\"]")]
    public void A_hello_of_no_known_version_is_refused_and_ends_the_link(string hello)
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Control(hello));
        Assert.Equal(["Control  [-1,\"[Error] bad hello\"]"], Events.Sent(device));
        Assert.NotNull(Events.BreakReason);
    }

    [Fact]
    public void A_relay_whose_hello_is_refused_or_never_answered_ends_the_link()
    {
        var refused = Machine(LinkRole.Relay);
        refused.Receive(Control("[-1,\"[Error] bad hello\"]"));
        Assert.Contains("bad hello", Events.BreakReason!.Message, StringComparison.Ordinal);

        Events.TakeLog();
        var ignored = Machine(LinkRole.Relay);
        Time.Advance(TimeSpan.FromSeconds(10));
        ignored.Tick(0);
        Assert.Equal(["broke"], Events.TakeLog());
    }

    [Fact]
    public void A_device_whose_ping_is_never_answered_does_not_go_up_and_ends_the_link()
    {
        var device = Machine(LinkRole.Device);
        device.Receive(Control("[1,\"hello\",[1],[]]"));
        Time.Advance(TimeSpan.FromSeconds(10));
        device.Tick(Time.GetTimestamp());
        Assert.False(device.Control.IsUp);
        Assert.Equal(["broke"], Events.TakeLog());
    }

    [Fact]
    public void A_hello_again_is_acknowledged_and_not_greeted_again()
    {
        var device = UpMachine(LinkRole.Device);
        var deadline = device.NextDeadline;
        for (var i = 0; i < 1000; i++)
        {
            device.Receive(Control("[1,\"hello\",[1],[\"other\"]]"));
            Assert.Equal(["Control  [-1,null]"], Events.Sent(device));
        }

        // Nothing waits for an answer, and nothing has changed.
        Assert.Equal(deadline, device.NextDeadline);
        Assert.Empty(device.Control.PeerCommands);
        Assert.Empty(Events.TakeLog());
    }

    [Theory]
    [InlineData("null", null, null)]
    [InlineData("true", null, null)]
    [InlineData("{\"message\":\"m\",\"code\":\"E_X\"}", "m", "E_X")]
    [InlineData("{\"message\":\"m\"}", "m", "E_UNKNOWN_ERR")]
    [InlineData("\"[Error] text\"", "[Error] text", "E_UNKNOWN_ERR")]
    public void A_reply_finds_its_request_by_its_id(string json, string? message, string? code)
    {
        var device = UpMachine(LinkRole.Device);
        var first = device.Control.Request("add_token", "a");
        var second = device.Control.Request("delete_token", "*");
        Assert.Equal([$"Control  [{first},\"add_token\",\"a\"]", $"Control  [{second},\"delete_token\",\"*\"]"], Events.Sent(device));
        Time.Advance(TimeSpan.FromMilliseconds(30));
        device.Receive(Control($"[-{second},{json}]"));
        Assert.Equal((second, message, code), (Events.LastReply!.Id, Events.LastReply.Message, Events.LastReply.Code));
        Assert.Equal(TimeSpan.FromMilliseconds(30), Events.LastReply.RoundTrip);

        // Once: a second reply to it is nobody's.
        Events.TakeLog();
        device.Receive(Control($"[-{second},null]"));
        Assert.Empty(Events.TakeLog());
    }

    [Fact]
    public void A_request_without_a_reply_times_out_alone()
    {
        var device = UpMachine(LinkRole.Device);
        var first = device.Control.Request("a");
        Time.Advance(TimeSpan.FromSeconds(6));
        var second = device.Control.Request("b");
        Time.Advance(TimeSpan.FromSeconds(4));
        device.Tick(Time.GetTimestamp());
        Assert.Equal([$"reply {first} E_TIMEOUT"], Events.TakeLog());
        Time.Advance(TimeSpan.FromSeconds(6));
        device.Tick(Time.GetTimestamp());
        Assert.Equal([$"reply {second} E_TIMEOUT"], Events.TakeLog());
    }

    [Theory]
    [InlineData("[7,\"add_token\",\"jwt\"]", "command 7 add_token jwt")]
    [InlineData("[2,\"grant\",\"x\"]", "command 2 grant x")]
    public void What_the_host_knows_is_answered_by_the_host(string json, string command)
    {
        var machine = UpMachine(LinkRole.Relay);
        Events.Commands.UnionWith(["add_token", "grant"]);
        machine.Receive(Control(json));
        Assert.Equal([command], Events.TakeLog());
        Assert.Empty(Events.Sent(machine));
    }

    [Fact]
    public void An_out_of_band_error_is_reported_in_both_forms()
    {
        var device = UpMachine(LinkRole.Device);
        device.Receive(Control("[0,{\"message\":\"gone\",\"code\":\"E_X\"}]"));
        device.Receive(Control("[0,\"[Error] old\"]"));
        Assert.Equal(["reported E_X gone", "reported E_UNKNOWN_ERR [Error] old"], Events.TakeLog());
    }
}
