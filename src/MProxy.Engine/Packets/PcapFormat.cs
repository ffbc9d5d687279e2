namespace MProxy.Engine.Packets;

/// <summary>The older format: a header, and packets behind it. Source: draft-ietf-opsawg-pcap.</summary>
internal sealed class PcapFormat(PacketFile file, ByteOrder order, bool isNano)
{
    private const int RestOfHeader = 20;
    private const int RecordHeader = 16;

    public IEnumerable<Packet> Read()
    {
        // The upper bits tell of a checksum behind each frame, which nobody looks at here.
        var linkType = (int)(order.Number(file.Take(RestOfHeader, "the header").Span, 16) & 0xffff);
        while (file.HasMore())
        {
            var record = file.Take(RecordHeader, "the header of a packet").Span;
            var fraction = order.Number(record, 4);
            var time = DateTimeOffset.FromUnixTimeSeconds(order.Number(record, 0)).AddTicks(isNano ? fraction / TimeSpan.NanosecondsPerTick : fraction * TimeSpan.TicksPerMicrosecond);
            yield return new Packet(time, linkType, file.Take(order.Number(record, 8), "a packet"));
        }
    }
}
