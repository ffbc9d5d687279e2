using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Fuzz.Targets;

/// <summary>
/// A link's state machine, of a relay and of a device, with a peer that says anything behind its greeting: it stays in its bounds, counts as many
/// clients as there are, and what it answers is frames.
/// </summary>
internal static class SessionTarget
{
    private static readonly LinkOptions Options = new() { HighMark = 100, LowMark = 20, ClientBound = 1000, LinkBudget = 1500 };

    public static void Run(ReadOnlySpan<byte> input)
    {
        Run(LinkRole.Device, input);
        Run(LinkRole.Relay, input);
    }

    public static void Run(LinkRole role, ReadOnlySpan<byte> input)
    {
        var events = new SilentEvents();
        var machine = new LinkMachine(role, Options, events, TimeProvider.System, new Random(1));
        machine.Start();
        machine.Receive(role == LinkRole.Device ? Control("[1,\"hello\",[1],[\"ping\"]]") : Control("[-1,null]"));
        if (role == LinkRole.Relay)
        {
            for (var port = 1; port < 4; port++)
            {
                events.Opened(machine.Clients.Open(new FrameMeta { Family = "IPv4", Address = "10.0.0.1", Port = port, Service = "tcp", ServicePort = 80 })!);
            }
        }

        var cuts = FuzzTargets.CutsOf(input);
        var reader = new FrameReader();
        var batch = new byte[8 << 10];
        while (!input.IsEmpty && !events.IsBroken)
        {
            var piece = input[..cuts.Next(1, Math.Min(input.Length, 200) + 1)];
            input = input[piece.Length..];
            try
            {
                machine.Receive(piece);
            }
            catch (ProtocolException)
            {
                break;
            }

            Act(machine, events, cuts);
            FuzzTargets.Require(machine.Clients.Count == events.OpenCount, "Clients are miscounted.");
            FuzzTargets.Require(machine.Clients.Waiting <= Options.LinkBudget, "More waits than may.");
            // Of those that have ended in order something may wait too.
            FuzzTargets.Require(machine.Clients.Waiting >= events.Clients.Sum(client => client.Waiting), "What waits is miscounted.");
            ReadOnlySpan<byte> sent = batch.AsSpan(0, machine.Gather(batch, batch.Length));
            while (reader.TryRead(ref sent, out _))
            {
            }
        }
    }

    /// <summary>The local side does something too.</summary>
    private static void Act(LinkMachine machine, SilentEvents events, Random chance)
    {
        if (events.Clients.Count == 0)
        {
            return;
        }

        var client = events.Clients[chance.Next(events.Clients.Count)];
        switch (chance.Next(6))
        {
            case 0:
                machine.Clients.Delivered(client, (int)client.Waiting);
                break;
            case 1:
                machine.Clients.End(client);
                break;
            case 2:
                machine.Clients.Fail(client, "E_TEST", "chance");
                break;
            case 3:
                machine.Suspend(client);
                break;
            case 4:
                machine.Resume(client);
                break;
            default:
                break;
        }
    }

    private static byte[] Control(string json) => FrameEncoder.Encode(FrameKind.Control, default, System.Text.Encoding.UTF8.GetBytes(json));
}
