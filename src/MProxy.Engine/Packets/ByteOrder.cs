using System.Buffers.Binary;

namespace MProxy.Engine.Packets;

/// <summary>Reads numbers as the machine wrote them that made a file.</summary>
internal readonly record struct ByteOrder(bool IsBigEndian)
{
    public ushort Short(ReadOnlySpan<byte> bytes, int at) =>
        IsBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]) : BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    public uint Number(ReadOnlySpan<byte> bytes, int at) =>
        IsBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    public long Long(ReadOnlySpan<byte> bytes, int at) =>
        IsBigEndian ? BinaryPrimitives.ReadInt64BigEndian(bytes[at..]) : BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
}
