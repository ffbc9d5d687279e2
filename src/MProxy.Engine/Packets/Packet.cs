namespace MProxy.Engine.Packets;

/// <summary>A packet as a capture file has it.</summary>
/// <param name="Time">When it was seen; the start of Unix time where the file does not say.</param>
/// <param name="LinkType">What its first bytes are: 1 for Ethernet. Source: tcpdump.org, link-layer header types.</param>
/// <param name="Bytes">As much of it as was kept. Valid until the next is read.</param>
internal readonly record struct Packet(DateTimeOffset Time, int LinkType, ReadOnlyMemory<byte> Bytes);
