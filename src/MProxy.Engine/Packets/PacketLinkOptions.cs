using MProxy.Protocol;

namespace MProxy.Engine.Packets;

/// <summary>Which connections of a capture are looked at, and how their frames are read.</summary>
public sealed record PacketLinkOptions
{
    /// <summary>Only connections that have one of these ports at either end; empty for all that begin like a link.</summary>
    public IReadOnlyList<int> Ports { get; init; } = [];

    /// <summary>Read what the reference reads.</summary>
    public bool IsLenient { get; init; }

    /// <summary>Largest body, in bytes.</summary>
    public int MaxFrameLength { get; init; } = WireFormat.DefaultMaxFrameLength;

    /// <summary>Skip the bodies.</summary>
    public bool HeaderOnly { get; init; }
}
