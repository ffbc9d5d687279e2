using System.Buffers.Binary;

namespace MProxy.Engine.Packets;

/// <summary>
/// The packets of a file that tcpdump or Wireshark wrote: pcap of either byte order and resolution, or pcapng. It is read from its start to its end, by a buffer
/// as large as its largest packet. SharpPcap was looked at for it: it needs libpcap on the machine, and reads pcapng where that does.
/// </summary>
internal sealed class PacketFile(Stream stream)
{
    // What tcpdump itself takes at most for one packet is 256 KiB.
    private const int MaxPacket = 16 << 20;

    private byte[] _buffer = new byte[64 << 10];
    private long _offset;

    // The next byte, where it was looked for; else -1.
    private int _ahead = -1;

    /// <summary>All packets, each valid until the next.</summary>
    /// <exception cref="PacketFileException">It is no such file, or ends within a packet; those before were given.</exception>
    public IEnumerable<Packet> Read()
    {
        var magic = Take(4, "the file's first four bytes").ToArray();
        return BinaryPrimitives.ReadUInt32BigEndian(magic) switch
        {
            0xa1b2c3d4 => new PcapFormat(this, new(IsBigEndian: true), isNano: false).Read(),
            0xd4c3b2a1 => new PcapFormat(this, new(IsBigEndian: false), isNano: false).Read(),
            0xa1b23c4d => new PcapFormat(this, new(IsBigEndian: true), isNano: true).Read(),
            0x4d3cb2a1 => new PcapFormat(this, new(IsBigEndian: false), isNano: true).Read(),
            PcapngFormat.SectionHeader => new PcapngFormat(this).Read(),
            _ => throw new PacketFileException($"This is no capture of packets, pcap or pcapng: it starts with {Convert.ToHexString(magic)}", 0),
        };
    }

    /// <summary>Whether there is one more byte.</summary>
    public bool HasMore()
    {
        _ahead = _ahead >= 0 ? _ahead : stream.ReadByte();
        return _ahead >= 0;
    }

    /// <summary>The next bytes, valid until more are taken.</summary>
    /// <param name="length">How many.</param>
    /// <param name="what">What they are, for the error.</param>
    /// <exception cref="PacketFileException">The file ends before, or there cannot be so many.</exception>
    public ReadOnlyMemory<byte> Take(long length, string what)
    {
        if (length is < 0 or > MaxPacket)
        {
            throw new PacketFileException($"A length of {length} bytes is none that {what} can have", _offset);
        }

        if (_buffer.Length < length)
        {
            Array.Resize(ref _buffer, (int)length);
        }

        var taken = 0;
        if (_ahead >= 0 && length > 0)
        {
            _buffer[taken++] = (byte)_ahead;
            _ahead = -1;
        }

        taken += stream.ReadAtLeast(_buffer.AsSpan(taken, (int)length - taken), (int)length - taken, throwOnEndOfStream: false);
        if (taken < length)
        {
            throw new PacketFileException($"The file ends within {what}: it was cut short, or is still being written", _offset + taken);
        }

        _offset += length;
        return _buffer.AsMemory(0, taken);
    }

    /// <summary>Something is wrong right before what comes next.</summary>
    public PacketFileException Broken(string message) => new(message, _offset);
}
