using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Link;

/// <summary>Dead peers are noticed, quiet ones are not taken for dead. Source: protocol.md, section 3.</summary>
public class LivenessTests : MachineTest
{
    [Theory]
    [InlineData(LinkRole.Device, 15)]
    [InlineData(LinkRole.Relay, 30)]
    public void Silence_is_probed_and_a_probe_that_nothing_follows_is_the_end(object role, int seconds)
    {
        var machine = UpMachine((LinkRole)role);
        var heardAt = Time.GetTimestamp();
        Advance(machine, TimeSpan.FromSeconds(seconds - 0.001), heardAt);
        Assert.Empty(Events.Sent(machine));
        Advance(machine, TimeSpan.FromSeconds(0.001), heardAt);
        Assert.EndsWith(",\"ping\"]", Assert.Single(Events.Sent(machine)), StringComparison.Ordinal);
        Advance(machine, TimeSpan.FromSeconds(9.999), heardAt);
        Assert.Null(Events.BreakReason);
        Advance(machine, TimeSpan.FromSeconds(0.001), heardAt);
        Assert.Contains("silent", Events.BreakReason!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_byte_after_a_probe_is_life_also_without_data()
    {
        var device = UpMachine(LinkRole.Device);
        Advance(device, TimeSpan.FromSeconds(15), 0);
        Assert.Single(Events.Sent(device));

        // A WebSocket ping: bytes on the carrier, nothing on the link.
        Time.Advance(TimeSpan.FromSeconds(9));
        var heardAt = Time.GetTimestamp();
        Advance(device, TimeSpan.FromSeconds(1), heardAt);
        Assert.Null(Events.BreakReason);

        // And silence is counted from there.
        Advance(device, TimeSpan.FromSeconds(13.9), heardAt);
        Assert.Empty(Events.Sent(device));
        Advance(device, TimeSpan.FromSeconds(0.1), heardAt);
        Assert.Single(Events.Sent(device));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{\"message\":\"unknown command\",\"code\":\"E_UNKNOWN_COMMAND\"}")]
    public void The_answer_to_a_probe_measures_the_round_trip(string answer)
    {
        var device = UpMachine(LinkRole.Device);
        Assert.Equal(TimeSpan.Zero, device.RoundTrip);
        Advance(device, TimeSpan.FromSeconds(15), 0);
        var ping = Assert.Single(Events.Sent(device));
        var id = ping[(ping.IndexOf('[', StringComparison.Ordinal) + 1)..ping.IndexOf(',', StringComparison.Ordinal)];
        Time.Advance(TimeSpan.FromMilliseconds(40));
        device.Receive(Control($"[-{id},{answer}]"));
        Assert.Equal(TimeSpan.FromMilliseconds(40), device.RoundTrip);
    }

    [Fact]
    public void A_busy_link_is_never_probed()
    {
        var device = UpMachine(LinkRole.Device);
        for (var i = 0; i < 100; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(10));
            device.Tick(Time.GetTimestamp());
        }

        Assert.Empty(Events.Sent(device));
    }

    [Fact]
    public void The_next_deadline_is_the_earliest_of_all()
    {
        var device = UpMachine(LinkRole.Device);
        Assert.Equal(TimeSpan.FromSeconds(15), Time.GetElapsedTime(Time.GetTimestamp(), device.NextDeadline));
        device.Control.Request("x");
        Assert.Equal(TimeSpan.FromSeconds(10), Time.GetElapsedTime(Time.GetTimestamp(), device.NextDeadline));
    }

    private void Advance(LinkMachine machine, TimeSpan by, long heardAt)
    {
        Time.Advance(by);
        machine.Tick(heardAt);
    }
}
