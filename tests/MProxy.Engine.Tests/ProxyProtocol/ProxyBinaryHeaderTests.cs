using System.Buffers.Binary;
using System.Net;
using System.Text;
using MProxy.Engine.ProxyProtocol;

namespace MProxy.Engine.Tests.ProxyProtocol;

/// <summary>Version 2. Source of the layout: HAProxy's proxy-protocol.txt, section 2.2.</summary>
public class ProxyBinaryHeaderTests
{
    private const string Signature = "0D0A0D0A000D0A515549540A";
    private const string IPv4Ends = "7F0000010A000002C35001BB";
    private const string IPv6Ends = "20010DB800000000000000000000000100000000000000000000000000000001C35001BB";

    /// <summary>Type 2, example.com.</summary>
    private const string Name = "02000B6578616D706C652E636F6D";

    [Theory]
    [InlineData("21", "11", IPv4Ends, "127.0.0.1:50000", "10.0.0.2:443", null)]
    [InlineData("21", "21", IPv6Ends, "[2001:db8::1]:50000", "[::1]:443", null)]
    [InlineData("21", "21", "00000000000000000000FFFF0102030400000000000000000000FFFF0102030500010002", "1.2.3.4:1", "1.2.3.5:2", null)]
    [InlineData("21", "11", IPv4Ends + Name, "127.0.0.1:50000", "10.0.0.2:443", "example.com")]
    [InlineData("21", "11", IPv4Ends + "020004" + "C3BC2E64", "127.0.0.1:50000", "10.0.0.2:443", "ü.d")]
    [InlineData("21", "11", IPv4Ends + "020000", "127.0.0.1:50000", "10.0.0.2:443", null)]
    [InlineData("21", "21", IPv6Ends + "040000" + "04000200FF" + Name + "EA00012A" + "FF0000", "[2001:db8::1]:50000", "[::1]:443", "example.com")]
    public void A_header_is_read(string command, string family, string rest, string source, string destination, string? name)
    {
        var data = Header(command, family, rest);
        var header = new ProxyHeader(ProxyProtocolVersion.V2, data.Length) { Source = IPEndPoint.Parse(source), Destination = IPEndPoint.Parse(destination), Authority = name };
        AssertReads(header, data);
    }

    [Theory]
    [InlineData("20", "00", "", null)]
    [InlineData("20", "11", "", null)]
    [InlineData("20", "11", IPv4Ends + Name, null)]
    [InlineData("20", "FF", "020005", null)]
    [InlineData("21", "00", "", null)]
    [InlineData("21", "00", "0102", null)]
    [InlineData("21", "01", "", null)]
    [InlineData("21", "10", IPv4Ends, null)]
    [InlineData("21", "12", IPv4Ends, null)]
    [InlineData("21", "22", IPv6Ends + Name, "example.com")]
    public void What_is_local_or_unspecified_or_no_tcp_has_no_addresses(string command, string family, string rest, string? name)
    {
        var data = Header(command, family, rest);
        var header = new ProxyHeader(ProxyProtocolVersion.V2, data.Length) { Authority = name };
        AssertReads(header, data);
        Assert.True(header.IsLocal);
    }

    [Theory]
    [InlineData("31")]
    [InlineData("32")]
    public void Unix_sockets_have_216_bytes_of_names_that_are_skipped(string family)
    {
        var ends = string.Concat(Enumerable.Repeat("2F", 216));
        var data = Header("21", family, ends + Name);
        AssertReads(new ProxyHeader(ProxyProtocolVersion.V2, data.Length) { Authority = "example.com" }, data);
        AssertRefused(Header("21", family, ends[2..]), 16);
    }

    [Theory]
    [InlineData("01", "11", 13)]
    [InlineData("11", "11", 13)]
    [InlineData("22", "11", 13)]
    [InlineData("2F", "11", 13)]
    [InlineData("31", "11", 13)]
    [InlineData("21", "41", 14)]
    [InlineData("21", "13", 14)]
    [InlineData("21", "F1", 14)]
    public void Another_version_command_family_or_protocol_is_refused_as_it_comes(string command, string family, int decided) =>
        AssertRefused(Header(command, family, IPv4Ends), decided);

    [Theory]
    [InlineData("11", 0)]
    [InlineData("11", 11)]
    [InlineData("12", 11)]
    [InlineData("21", 12)]
    [InlineData("21", 35)]
    [InlineData("11", 4097)]
    [InlineData("00", 65535)]
    public void A_length_without_room_for_the_addresses_or_past_4096_is_refused(string family, int length) =>
        AssertRefused(Header("21", family, new string('0', 2 * length)), 16);

    [Fact]
    public void A_header_has_at_most_16_and_4096_bytes()
    {
        var filler = Convert.ToHexString(Value(0x04, new byte[4096 - 12 - 3]));
        var data = Header("21", "11", IPv4Ends + filler);
        Assert.Equal(ProxyHeaderReader.MaxLength, data.Length);
        Assert.Equal((ProxyHeaderStatus.Incomplete, null), ProxyHeaderReader.Read(data.AsSpan(0, data.Length - 1)));
        Assert.Equal(data.Length, ProxyHeaderReader.Read(data).Header!.Length);
        Assert.Equal(ProxyHeaderStatus.Complete, ProxyHeaderReader.Read(Header("20", "00", new string('0', 2 * 4096))).Status);
    }

    [Theory]
    [InlineData("02")]
    [InlineData("0400")]
    [InlineData("040001")]
    [InlineData("04FFFF00")]
    [InlineData("04000000")]
    [InlineData(Name + "04")]
    [InlineData(Name + "020000")]
    [InlineData("020000" + Name)]
    [InlineData(Name + Name)]
    [InlineData("02000161" + "0400050000")]
    [InlineData("020001FF")]
    [InlineData("020002C0AF")]
    [InlineData("020003EDA080")]
    [InlineData("020003612C62")]
    [InlineData("0200036100" + "62")]
    [InlineData("020003610A62")]
    [InlineData("0200027F61")]
    [InlineData("020002C285")]
    [InlineData("03000400000000")]
    [InlineData("030003000000")]
    [InlineData("0300050000000000")]
    public void Values_that_overrun_repeat_or_cannot_be_are_refused(string values)
    {
        AssertRefusedAtEnd(Header("21", "11", IPv4Ends + values));
        AssertRefusedAtEnd(Header("21", "12", IPv4Ends + values));
    }

    [Theory]
    [InlineData(255, true)]
    [InlineData(256, false)]
    public void A_name_has_at_most_255_bytes(int length, bool isComplete)
    {
        var data = Header("21", "11", IPv4Ends + Convert.ToHexString(Value(0x02, Encoding.ASCII.GetBytes(new string('a', length)))));
        Assert.Equal(isComplete ? ProxyHeaderStatus.Complete : ProxyHeaderStatus.Malformed, ProxyHeaderReader.Read(data).Status);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData(Name, "040003000000")]
    public void A_checksum_must_be_that_of_the_header_with_zeros_in_its_place(string before, string behind)
    {
        var data = Header("21", "11", IPv4Ends + before + "03000400000000" + behind);
        var at = 16 + ((IPv4Ends.Length + before.Length) / 2) + 3;
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(at), SlowChecksum(data));
        Assert.Equal(ProxyHeaderStatus.Complete, ProxyHeaderReader.Read(data).Status);
        for (var bit = 14 * 8; bit < data.Length * 8; bit++)
        {
            // Of another type, the four bytes are no checksum.
            if (bit / 8 == at - 3)
            {
                continue;
            }

            var changed = data.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual((bit, ProxyHeaderStatus.Complete), (bit, ProxyHeaderReader.Read(changed).Status));
        }

        var twice = Header("21", "11", IPv4Ends + "03000400000000" + "03000400000000");
        Assert.Equal(ProxyHeaderStatus.Malformed, ProxyHeaderReader.Read(twice).Status);
    }

    /// <summary>The check value that is published with the polynomial (RFC 3720, appendix B.4: 32 bytes of zeros).</summary>
    [Fact]
    public void The_checksum_is_CRC_32C()
    {
        Assert.Equal(0x8A9136AAu, ProxyValues.Checksum(new byte[32], 0));
        Assert.Equal(0xE3069283u, ProxyValues.Checksum("123456789"u8, 9));
    }

    [Theory]
    [InlineData("0D0A0D0B")]
    [InlineData("0D0A0D0A000D0A515549540D")]
    [InlineData("0A")]
    public void What_starts_otherwise_is_no_header(string hex) =>
        Assert.Equal((ProxyHeaderStatus.Absent, null), ProxyHeaderReader.Read(Convert.FromHexString(hex)));

    private static byte[] Header(string command, string family, string rest) =>
        Convert.FromHexString($"{Signature}{command}{family}{rest.Length / 2:X4}{rest}");

    private static byte[] Value(byte type, byte[] value) => [type, (byte)(value.Length >> 8), (byte)value.Length, .. value];

    private static void AssertReads(ProxyHeader header, byte[] data)
    {
        byte[] more = [.. data, .. "GET /"u8];
        for (var length = 0; length <= more.Length; length++)
        {
            Assert.Equal(
                length < data.Length ? (ProxyHeaderStatus.Incomplete, null) : (ProxyHeaderStatus.Complete, header),
                ProxyHeaderReader.Read(more.AsSpan(0, length)));
        }
    }

    private static void AssertRefusedAtEnd(byte[] data) => AssertRefused(data, data.Length);

    private static void AssertRefused(byte[] data, int decided)
    {
        for (var length = 0; length <= data.Length; length++)
        {
            var expected = length < decided ? ProxyHeaderStatus.Incomplete : ProxyHeaderStatus.Malformed;
            Assert.Equal((length, expected), (length, ProxyHeaderReader.Read(data.AsSpan(0, length)).Status));
        }
    }

    /// <summary>Bit by bit, with the reflected polynomial.</summary>
    private static uint SlowChecksum(byte[] data)
    {
        var sum = uint.MaxValue;
        foreach (var value in data)
        {
            sum ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                sum = (sum >> 1) ^ ((sum & 1) * 0x82F63B78u);
            }
        }

        return ~sum;
    }
}
