using System.Text;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

/// <summary>A state machine with nothing around it: what it told its driver, and the frames it wants sent.</summary>
internal sealed class RecordingEvents : ILinkEvents
{
    private readonly FrameReader _reader = new();

    public List<string> Log { get; } = [];

    public LinkClient? Last { get; private set; }

    /// <summary>The clients that are closed, each as often as it was told.</summary>
    public List<LinkClient> Closings { get; } = [];

    public void Opened(LinkClient client) => Note(client, "opened");

    /// <summary>The commands that this side knows.</summary>
    public HashSet<string> Commands { get; } = [];

    public ControlReply? LastReply { get; private set; }

    public LinkException? BreakReason { get; private set; }

    /// <summary>Identities that were held back are free.</summary>
    public bool IsReleased { get; private set; }

    public int Received(LinkClient client, ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        Note(client, $"received {data.Length}");
        return 0;
    }

    public void Released() => IsReleased = true;

    public void PeerEnded(LinkClient client) => Note(client, "ended");

    public void Failed(LinkClient client, string code, string message) => Note(client, $"failed {code}");

    public void Closed(LinkClient client) => Closings.Add(client);

    public void Sent(LinkClient client) => Note(client, "sent");

    public void WentUp() => Log.Add("up");

    public bool Commanded(in ControlCommand command)
    {
        Log.Add($"command {command.Id} {command.Name} {command.FirstArgument}".TrimEnd());
        return Commands.Contains(command.Name);
    }

    public void Replied(ControlReply reply)
    {
        LastReply = reply;
        Log.Add($"reply {reply.Id} {reply.Code}".TrimEnd());
    }

    public void Measured(TimeSpan roundTrip) => Log.Add($"measured {roundTrip.TotalSeconds}");

    public void Reported(ControlReply error) => Log.Add($"reported {error.Code} {error.Message}");

    public void WorkReady()
    {
    }

    public void Broke(LinkException reason)
    {
        BreakReason = reason;
        Log.Add("broke");
    }

    public List<string> TakeLog()
    {
        List<string> log = [.. Log];
        Log.Clear();
        return log;
    }

    /// <summary>The frames waiting to go out: kind, client and body.</summary>
    public List<string> Sent(LinkMachine machine)
    {
        var buffer = new byte[1 << 20];
        ReadOnlySpan<byte> bytes = buffer.AsSpan(0, machine.Gather(buffer, buffer.Length));
        List<string> sent = [];
        while (_reader.TryRead(ref bytes, out var frame))
        {
            sent.Add($"{frame.Kind} {frame.Port} {Encoding.UTF8.GetString(frame.Data)}".TrimEnd());
        }

        return sent;
    }

    private void Note(LinkClient client, string what)
    {
        Last = client;
        Log.Add($"{client.Meta.Port} {what}");
    }
}
