using System.Text;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

/// <summary>State machines with small bounds, a clock that the test moves, and control ids that start at 1001.</summary>
public abstract class MachineTest
{
    internal static readonly LinkOptions Small = new() { HighMark = 100, LowMark = 20, ClientBound = 1000, LinkBudget = 1500 };

    internal ManualTime Time { get; } = new();

    internal RecordingEvents Events { get; } = new();

    internal static FrameMeta Meta(int port) => new() { Family = "IPv4", Address = "10.0.0.1", Port = port, Service = "tcp", ServicePort = 80 };

    internal static byte[] Frame(FrameKind kind, int port, int length = 0) => FrameEncoder.Encode(kind, Meta(port), new byte[length]);

    internal static byte[] Control(string json) => FrameEncoder.Encode(FrameKind.Control, default, Encoding.UTF8.GetBytes(json));

    internal LinkMachine Machine(LinkRole role)
    {
        var machine = new LinkMachine(role, Small, Events, Time, new FirstId());
        machine.Start();
        return machine;
    }

    /// <summary>A machine whose greeting is over and forgotten.</summary>
    internal LinkMachine UpMachine(LinkRole role)
    {
        var machine = Machine(role);
        if (role == LinkRole.Device)
        {
            machine.Receive(Control("[1,\"hello\",[1],[]]"));
            machine.Receive(Control("[-1001,null]"));
        }
        else
        {
            machine.Receive(Control("[-1,null]"));
        }

        Events.Sent(machine);
        Events.TakeLog();
        return machine;
    }

    private sealed class FirstId : Random
    {
        public override int Next(int minValue, int maxValue) => 1000;
    }
}
