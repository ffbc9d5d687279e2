using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Fuzz.Targets;

/// <summary>A control message of any content, to a relay and to a device, and once more behind another.</summary>
internal static class ControlTarget
{
    public static void Run(ReadOnlySpan<byte> input)
    {
        byte[] frame = FrameEncoder.Encode(FrameKind.Control, default, input);
        byte[] twice = [.. frame, .. frame];
        SessionTarget.Run(LinkRole.Device, twice);
        SessionTarget.Run(LinkRole.Relay, twice);
    }
}
