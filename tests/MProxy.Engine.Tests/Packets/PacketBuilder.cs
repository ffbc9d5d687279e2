using System.Buffers.Binary;
using System.Net;
using System.Text;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Packets;

/// <summary>Writes captures of packets as tcpdump and Wireshark do, in every form that is read.</summary>
internal sealed class PacketBuilder(string format = "pcap", int linkType = 1)
{
    public const int Ethernet = 1;

    /// <summary>Who most packets are from.</summary>
    public static readonly IPEndPoint DeviceEnd = IPEndPoint.Parse("192.0.2.7:40000");

    /// <summary>Who most packets are for.</summary>
    public static readonly IPEndPoint RelayEnd = IPEndPoint.Parse("192.0.2.1:5443");

    private readonly List<byte> _file = [];
    private bool _hasHeader;

    /// <summary>When the first packet is seen; each next is a millisecond later.</summary>
    public static DateTimeOffset Start { get; } = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    public DateTimeOffset Time { get; private set; } = Start;

    private bool IsBigEndian => format.EndsWith("-be", StringComparison.Ordinal);

    /// <summary>One more packet.</summary>
    public PacketBuilder Add(IPEndPoint source, IPEndPoint destination, uint sequence, ReadOnlySpan<byte> bytes, bool isStart = false, int keep = int.MaxValue)
    {
        byte[] packet = [.. Link(source.Address), .. IP(source.Address, destination.Address, Tcp(source.Port, destination.Port, sequence, bytes, isStart))];
        AddRaw(packet.AsSpan(0, Math.Min(keep, packet.Length)), packet.Length);
        return this;
    }

    public void AddRaw(ReadOnlySpan<byte> kept, int length)
    {
        WriteHeader();
        var microseconds = (Time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        if (format.StartsWith("pcapng", StringComparison.Ordinal))
        {
            byte[] padded = [.. kept, .. new byte[-kept.Length & 3]];
            Block(6, [.. Number(0), .. Number((uint)(microseconds >> 32)), .. Number((uint)microseconds), .. Number((uint)kept.Length), .. Number((uint)length), .. padded]);
        }
        else
        {
            var fraction = microseconds % 1_000_000 * (format.Contains("nano", StringComparison.Ordinal) ? 1000 : 1);
            _file.AddRange([.. Number((uint)(microseconds / 1_000_000)), .. Number((uint)fraction), .. Number((uint)kept.Length), .. Number((uint)length), .. kept]);
        }

        Time += TimeSpan.FromMilliseconds(1);
    }

    /// <summary>A frame whose body has this number, and so much behind it.</summary>
    public static byte[] Packed(int number, int pad = 0) => FrameEncoder.Encode(
        FrameKind.Message, new FrameMeta { Family = "IPv4", Address = "203.0.113.9", Port = 1, Service = "tcp" }, Encoding.UTF8.GetBytes($"body {number}{new string('x', pad)}"));

    public byte[] ToArray()
    {
        WriteHeader();
        return _file.ToArray();
    }

    private void WriteHeader()
    {
        if (_hasHeader)
        {
            return;
        }

        _hasHeader = true;
        if (format.StartsWith("pcapng", StringComparison.Ordinal))
        {
            // A section, a block that nobody knows, and an interface with options.
            Block(0x0a0d0d0a, [.. Number(0x1a2b3c4d), .. Short(1), .. Short(0), .. Number(uint.MaxValue), .. Number(uint.MaxValue)]);
            Block(0x0bad, [1, 2, 3, 4]);
            Block(1, [.. Short((ushort)linkType), .. Short(0), .. Number(0), .. Short(9), .. Short(1), 6, 0, 0, 0, .. Number(0)]);
        }
        else
        {
            var magic = format.Contains("nano", StringComparison.Ordinal) ? 0xa1b23c4d : 0xa1b2c3d4;
            _file.AddRange([.. Number(magic), .. Short(2), .. Short(4), .. Number(0), .. Number(0), .. Number(262144), .. Number((uint)linkType)]);
        }
    }

    private void Block(uint type, byte[] body) => _file.AddRange([.. Number(type), .. Number((uint)body.Length + 12), .. body, .. Number((uint)body.Length + 12)]);

    private byte[] Link(IPAddress address)
    {
        var isIPv6 = address.GetAddressBytes().Length == 16;
        byte[] type = isIPv6 ? [0x86, 0xdd] : [8, 0];
        return linkType switch
        {
            0 => [2, 0, 0, 0],
            Ethernet => [.. new byte[12], 0x81, 0, 0, 7, .. type],
            113 => [.. new byte[14], .. type],
            276 => [.. type, .. new byte[18]],
            _ => [],
        };
    }

    private static byte[] IP(IPAddress source, IPAddress destination, byte[] segment)
    {
        byte[] addresses = [.. source.GetAddressBytes(), .. destination.GetAddressBytes()];
        byte[] options = [6, 0, 1, 4, 0, 0, 0, 0];
        return addresses.Length == 8
            ? [0x45, 0, .. Big((ushort)(20 + segment.Length)), 0, 0, 0x40, 0, 64, 6, 0, 0, .. addresses, .. segment]
            : [0x60, 0, 0, 0, .. Big((ushort)(options.Length + segment.Length)), 0, 64, .. addresses, .. options, .. segment];
    }

    private static byte[] Tcp(int source, int destination, uint sequence, ReadOnlySpan<byte> bytes, bool isStart)
    {
        var header = new byte[24];
        BinaryPrimitives.WriteUInt16BigEndian(header, (ushort)source);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)destination);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), sequence);
        (header[12], header[13]) = (0x60, (byte)(isStart ? 2 : 0x18));
        return [.. header, .. bytes];
    }

    private static byte[] Big(ushort number) => [(byte)(number >> 8), (byte)number];

    private byte[] Number(uint number)
    {
        var bytes = new byte[4];
        if (IsBigEndian)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, number);
        }

        return bytes;
    }

    private byte[] Short(ushort number) => IsBigEndian ? Big(number) : [(byte)number, (byte)(number >> 8)];
}
