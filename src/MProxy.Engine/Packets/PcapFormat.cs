using System.Buffers.Binary;

namespace MProxy.Engine.Packets;

/// <summary>The older format: a header, and packets behind it. Source: draft-ietf-opsawg-pcap.</summary>
internal sealed class PcapFormat(PacketFile file, bool isBigEndian, bool isNano)
{
    private const int RestOfHeader = 20;
    private const int RecordHeader = 16;

    public IEnumerable<Packet> Read()
    {
        // The upper bits tell of a checksum behind each frame, which nobody looks at here.
        var linkType = (int)(Number(file.Take(RestOfHeader, "the header").Span, 16) & 0xffff);
        while (file.HasMore())
        {
            var record = file.Take(RecordHeader, "the header of a packet").Span;
            var time = DateTimeOffset.FromUnixTimeSeconds(Number(record, 0)).AddTicks(Number(record, 4) / (isNano ? 100 : 1) * (isNano ? 1 : TimeSpan.TicksPerMicrosecond));
            var length = Number(record, 8);
            yield return new Packet(time, linkType, file.Take(length, "a packet"));
        }
    }

    private uint Number(ReadOnlySpan<byte> bytes, int at) =>
        isBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
