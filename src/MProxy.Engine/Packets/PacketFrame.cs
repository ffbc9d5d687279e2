using System.Net;

namespace MProxy.Engine.Packets;

/// <summary>A frame, and between whom it was seen.</summary>
/// <param name="Frame">The frame; its offset is that in the bytes of its sender.</param>
/// <param name="Time">When the packet was seen that completed it.</param>
/// <param name="Source">Who sent it.</param>
/// <param name="Destination">Who it went to.</param>
public sealed record PacketFrame(Frame Frame, DateTimeOffset Time, IPEndPoint Source, IPEndPoint Destination);
