using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

/// <summary>A client that the operator suspends, on the state machine alone.</summary>
public class SuspendTests : MachineTest
{
    private const int Longest = 6;

    private readonly FrameReader _reader = new();
    private readonly byte[] _batch = new byte[4096];

    [Fact]
    public void A_suspended_clients_peer_is_asked_to_pause_and_its_frame_waits_until_it_is_resumed()
    {
        var (device, client) = Open();
        device.Offer(client, Frame(FrameKind.Message, 5, 10));
        device.Suspend(client);
        device.Suspend(client);
        Assert.Equal(["Pause 5 0"], Events.Sent(device));
        device.Receive(Frame(FrameKind.Message, 5, 7));
        Assert.Equal(["5 received 7"], Events.TakeLog());
        device.Resume(client);
        Assert.Equal(["Resume 5 7", $"Message 5 {new string('\0', 10)}"], Events.Sent(device));
        device.Resume(client);
        Assert.Empty(Events.Sent(device));
    }

    [Fact]
    public void One_that_is_drained_while_it_is_suspended_goes_on_when_it_is_resumed_and_no_sooner()
    {
        var (device, client) = Open();
        device.Receive(Frame(FrameKind.Message, 5, 101));
        device.Suspend(client);
        Assert.Equal(["Pause 5 101"], Events.Sent(device));
        device.Clients.Delivered(client, 101);
        Assert.Empty(Events.Sent(device));
        device.Resume(client);
        Assert.Equal(["Resume 5 101"], Events.Sent(device));
    }

    [Fact]
    public void One_that_is_full_when_it_is_resumed_goes_on_when_it_is_drained()
    {
        var (device, client) = Open();
        device.Suspend(client);
        device.Receive(Frame(FrameKind.Message, 5, 101));
        device.Resume(client);
        Assert.Equal(["Pause 5 0"], Events.Sent(device));
        device.Clients.Delivered(client, 81);
        Assert.Equal(["Resume 5 101"], Events.Sent(device));
    }

    [Fact]
    public void A_suspended_client_may_end_both_ways_and_say_no_more()
    {
        var (device, client) = Open();
        device.Suspend(client);
        device.Receive(Frame(FrameKind.End, 5));
        device.Resume(client);
        device.Suspend(client);
        device.Clients.End(client);
        Assert.Equal(["Pause 5 0", "End 5"], Events.Sent(device));
        Assert.Equal((0, "5 ended"), (device.Clients.Count, Events.TakeLog()[^1]));
        device.Resume(client);
        device.Suspend(client);
        Assert.Empty(Events.Sent(device));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_suspended_client_may_fail_and_its_frame_goes_nowhere(bool here)
    {
        var (device, client) = Open();
        device.Offer(client, Frame(FrameKind.Message, 5, 10));
        device.Suspend(client);
        if (here)
        {
            device.Clients.Fail(client, ErrorCode.Stopped, "");
        }
        else
        {
            device.Receive(Frame(FrameKind.Error, 5));
        }

        device.Resume(client);
        Assert.Equal(here ? ["Pause 5 0", "Error 5 {\"message\":\"\",\"code\":\"E_STOPPED\"}"] : ["Pause 5 0"], Events.Sent(device));
        Assert.Equal(0, device.Clients.Count);
    }

    [Fact]
    public void A_suspended_client_that_is_sent_too_much_ends_with_an_overflow()
    {
        var (device, client) = Open();
        device.Suspend(client);
        device.Receive(Frame(FrameKind.Message, 5, 1000));
        device.Receive(Frame(FrameKind.Message, 5, 1));
        Assert.Equal("5 failed E_OVERFLOW", Events.TakeLog()[^1]);
        Assert.True(client.IsClosed);
    }

    [Fact]
    public void Bytes_of_bodies_are_counted_when_their_frame_is_on_its_way()
    {
        var (device, client) = Open();
        device.Receive([.. Frame(FrameKind.Message, 5, 7), .. Frame(FrameKind.Message, 5, 0), .. Frame(FrameKind.Message, 5, 4)]);
        device.Offer(client, Frame(FrameKind.Message, 5, 2000));
        Assert.Equal((11, 0), (client.BytesReceived, client.BytesSent));
        Events.Sent(device);
        device.Offer(client, Frame(FrameKind.Message, 5, 3));
        Assert.True(LinkMachine.Withdraw(client));
        Events.Sent(device);
        Assert.Equal(2000, client.BytesSent);
    }

    [Fact]
    public void However_pauses_and_suspensions_come_together_each_is_honoured_until_it_is_taken_back()
    {
        // Suspend, resume; the peer's pause and resume; 60 bytes that come, 60 that are delivered: the marks are 100 and 20.
        foreach (var steps in Sequences("SRpr+-"))
        {
            Follow(steps);
        }
    }

    private static IEnumerable<string> Sequences(string alphabet)
    {
        IEnumerable<string> sequences = [""];
        for (var length = 0; length < Longest; length++)
        {
            sequences = sequences.SelectMany(start => alphabet.Select(step => start + step));
        }

        return sequences;
    }

    private void Follow(string steps)
    {
        var (device, client) = Open();
        bool suspended = false, pausedByPeer = false, full = false, toldToPause = false;
        int waiting = 0, sent = 0;
        foreach (var step in steps)
        {
            // Offered before the step, so that a client that stands in the queue is held too.
            if (client.Pending.IsEmpty)
            {
                device.Offer(client, Frame(FrameKind.Message, 5, 10));
            }

            switch (step)
            {
                case 'S':
                    device.Suspend(client);
                    suspended = true;
                    break;
                case 'R':
                    device.Resume(client);
                    suspended = false;
                    break;
                case 'p' or 'r':
                    device.Receive(Frame(step == 'p' ? FrameKind.Pause : FrameKind.Resume, 5));
                    pausedByPeer = step == 'p';
                    break;
                case '+':
                    device.Receive(Frame(FrameKind.Message, 5, 60));
                    waiting += 60;
                    full |= waiting > 100;
                    break;
                default:
                    var taken = Math.Min(waiting, 60);
                    device.Clients.Delivered(client, taken);
                    waiting -= taken;
                    full &= waiting > 20;
                    break;
            }

            var frames = Sent(device);
            foreach (var told in frames.Where(kind => kind != FrameKind.Message))
            {
                Assert.True(told == (toldToPause ? FrameKind.Resume : FrameKind.Pause), $"{steps}: {told} was said twice.");
                toldToPause = told == FrameKind.Pause;
            }

            var goes = !suspended && !pausedByPeer;
            sent += goes ? 10 : 0;
            Assert.True(frames.Count(kind => kind == FrameKind.Message) == (goes ? 1 : 0), $"{steps}: after {step}, a frame {(goes ? "does not go" : "goes")} out.");
            Assert.True(toldToPause == (suspended || full), $"{steps}: after {step}, the peer is {(toldToPause ? "" : "not ")}paused.");
            Assert.Equal(sent, client.BytesSent);
        }
    }

    private (LinkMachine Device, LinkClient Client) Open()
    {
        // A device has nothing to say before it is greeted.
        var device = Machine(LinkRole.Device);
        device.Receive(Frame(FrameKind.Connection, 5));
        Events.TakeLog();
        return (device, Events.Last!);
    }

    private List<FrameKind> Sent(LinkMachine machine)
    {
        ReadOnlySpan<byte> bytes = _batch.AsSpan(0, machine.Gather(_batch, _batch.Length));
        List<FrameKind> kinds = [];
        while (_reader.TryRead(ref bytes, out var frame))
        {
            kinds.Add(frame.Kind);
        }

        return kinds;
    }
}
