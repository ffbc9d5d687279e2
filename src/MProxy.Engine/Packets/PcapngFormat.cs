using System.Buffers.Binary;

namespace MProxy.Engine.Packets;

/// <summary>The newer format: blocks, some of which are packets of interfaces that others describe. Source: draft-ietf-opsawg-pcapng.</summary>
internal sealed class PcapngFormat(PacketFile file)
{
    public const uint SectionHeader = 0x0a0d0d0a;

    private const uint InterfaceDescription = 1;
    private const uint ObsoletePacket = 2;
    private const uint SimplePacket = 3;
    private const uint EnhancedPacket = 6;

    // Its type and its length before, and its length again behind.
    private const int Frame = 12;

    private const int MaxInterfaces = 4096;
    private const ushort TimeResolution = 9;
    private const ushort TimeOffset = 14;

    private readonly List<Interface> _interfaces = [];
    private ByteOrder _order;

    private readonly record struct Interface(int LinkType, uint SnapLength, byte Resolution, long Offset);

    public IEnumerable<Packet> Read()
    {
        // Its type has been read.
        var type = SectionHeader;
        for (; ; )
        {
            var body = type == SectionHeader ? ReadSection() : ReadBlock();
            if (type == InterfaceDescription)
            {
                Add(body.Span);
            }
            else if (ToPacket(type, body) is { } packet)
            {
                yield return packet;
            }

            if (!file.HasMore())
            {
                yield break;
            }

            type = _order.Number(file.Take(4, "a block").Span, 0);
        }
    }

    /// <summary>A section has a byte order of its own, and its own interfaces.</summary>
    private ReadOnlyMemory<byte> ReadSection()
    {
        var start = file.Take(8, "the header of a section").ToArray();
        _order = BinaryPrimitives.ReadUInt32BigEndian(start.AsSpan(4)) switch
        {
            0x1a2b3c4d => new(IsBigEndian: true),
            0x4d3c2b1a => new(IsBigEndian: false),
            _ => throw file.Broken("The header of a section does not say its byte order"),
        };
        _interfaces.Clear();
        return TakeRest(_order.Number(start, 0), 4);
    }

    private ReadOnlyMemory<byte> ReadBlock() => TakeRest(_order.Number(file.Take(4, "the length of a block").Span, 0), 0);

    /// <summary>What stands in a block of this length, but for so many bytes that were read.</summary>
    private ReadOnlyMemory<byte> TakeRest(uint length, int taken)
    {
        if (length < Frame + taken || length % 4 != 0)
        {
            throw file.Broken($"A block has a length of {length} bytes, which is none of 12, 16, 20, …");
        }

        var all = file.Take(length - 8 - taken, "a block");
        return _order.Number(all.Span, all.Length - 4) == length ? all[..^4] : throw file.Broken("The length behind a block is not the one before it");
    }

    private void Add(ReadOnlySpan<byte> body)
    {
        if (body.Length < 8 || _interfaces.Count == MaxInterfaces)
        {
            throw file.Broken(body.Length < 8 ? "The description of an interface is too short" : $"A section has more than {MaxInterfaces} interfaces");
        }

        // In microseconds unless it says otherwise: a power of ten, or of two.
        var (resolution, offset) = ((byte)6, 0L);
        for (var options = body[8..]; options.Length >= 4;)
        {
            var (code, length) = (_order.Short(options, 0), _order.Short(options, 2));
            var value = options[4..];
            if (code == 0 || length > value.Length)
            {
                break;
            }

            if (code == TimeResolution && length >= 1)
            {
                resolution = value[0];
            }
            else if (code == TimeOffset && length >= 8)
            {
                offset = _order.Long(value, 0);
            }

            options = value[Math.Min(value.Length, (length + 3) & ~3)..];
        }

        _interfaces.Add(new Interface(_order.Short(body, 0), _order.Number(body, 4), resolution, offset));
    }

    private Packet? ToPacket(uint type, ReadOnlyMemory<byte> block)
    {
        var body = block.Span;
        switch (type)
        {
            case SimplePacket when body.Length >= 4:
                // How much was kept is not said: no more than the interface keeps, and no more than there is.
                var only = InterfaceOf(0);
                var kept = Math.Min(_order.Number(body, 0), only.SnapLength == 0 ? uint.MaxValue : only.SnapLength);
                return new Packet(DateTimeOffset.UnixEpoch, only.LinkType, block.Slice(4, (int)Math.Min(kept, (uint)body.Length - 4)));
            case EnhancedPacket or ObsoletePacket when body.Length >= 20:
                var from = InterfaceOf(type == EnhancedPacket ? _order.Number(body, 0) : _order.Short(body, 0));
                var length = _order.Number(body, 12);
                return length <= body.Length - 20
                    ? new Packet(TimeOf(from, ((ulong)_order.Number(body, 4) << 32) | _order.Number(body, 8)), from.LinkType, block.Slice(20, (int)length))
                    : throw file.Broken($"A packet of {length} bytes is longer than its block");
            case SimplePacket or EnhancedPacket or ObsoletePacket:
                throw file.Broken("The block of a packet is too short");
            default:
                return null;
        }
    }

    private Interface InterfaceOf(uint number) =>
        number < _interfaces.Count ? _interfaces[(int)number] : throw file.Broken($"A packet is of interface {number}, and the section describes {_interfaces.Count}");

    /// <summary>What no date can be is the start of Unix time.</summary>
    private static DateTimeOffset TimeOf(Interface from, ulong units)
    {
        // A tick is a ten-millionth of a second; a unit is a second divided by a power of ten, or of two.
        const int TicksExponent = 7;
        const int MostExponent = 30;
        var exponent = from.Resolution & 0x7f;
        var ticks = (Int128)((from.Resolution & 0x80) != 0 ? ((UInt128)units * TimeSpan.TicksPerSecond) >> exponent
            : exponent <= TicksExponent ? (UInt128)units * PowerOfTen(TicksExponent - exponent)
            : exponent <= MostExponent ? units / PowerOfTen(exponent - TicksExponent)
            : 0);
        ticks += (Int128)from.Offset * TimeSpan.TicksPerSecond;
        return ticks >= 0 && ticks < (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks ? DateTimeOffset.UnixEpoch.AddTicks((long)ticks) : DateTimeOffset.UnixEpoch;

        static UInt128 PowerOfTen(int exponent)
        {
            UInt128 power = 1;
            for (; exponent > 0; exponent--)
            {
                power *= 10;
            }

            return power;
        }
    }
}
