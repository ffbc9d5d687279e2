using System.Net;
using System.Text;
using MProxy.Engine.ProxyProtocol;

namespace MProxy.Engine.Tests.ProxyProtocol;

/// <summary>Version 1. Source of the grammar and of the examples: HAProxy's proxy-protocol.txt, section 2.1.</summary>
public class ProxyTextHeaderTests
{
    private const string LongIPv6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

    [Theory]
    [InlineData("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443", "192.168.0.1:56324", "192.168.0.11:443")]
    [InlineData("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535", "255.255.255.255:65535", "255.255.255.255:65535")]
    [InlineData("PROXY TCP4 0.0.0.0 1.2.3.4 0 1", "0.0.0.0:0", "1.2.3.4:1")]
    [InlineData($"PROXY TCP6 {LongIPv6} {LongIPv6} 65535 65535", $"[{LongIPv6}]:65535", $"[{LongIPv6}]:65535")]
    [InlineData("PROXY TCP6 :: ::1 1 2", "[::]:1", "[::1]:2")]
    [InlineData("PROXY TCP6 2001:DB8::000a 1:2:3:4:5:6:7:: 1 2", "[2001:db8::a]:1", "[1:2:3:4:5:6:7:0]:2")]
    [InlineData("PROXY TCP6 ::2:3:4:5:6:7:8 1:2:3::6:7:8 1 2", "[0:2:3:4:5:6:7:8]:1", "[1:2:3::6:7:8]:2")]
    [InlineData("PROXY TCP6 ::ffff:1.2.3.4 ::FFFF:102:305 1 2", "1.2.3.4:1", "1.2.3.5:2")]
    [InlineData("PROXY TCP6 ::ffff:1.2.3.4 fe80::1 1 2", "1.2.3.4:1", "[fe80::1]:2")]
    public void A_line_is_read(string line, string source, string destination)
    {
        var length = line.Length + 2;
        var header = new ProxyHeader(ProxyProtocolVersion.V1, length) { Source = IPEndPoint.Parse(source), Destination = IPEndPoint.Parse(destination) };
        AssertReads(header, $"{line}\r\n", "GET / HTTP/1.1\r\n");
        Assert.False(header.IsLocal);
    }

    [Theory]
    [InlineData("PROXY UNKNOWN")]
    [InlineData("PROXY UNKNOWN ")]
    [InlineData("PROXY UNKNOWN what\tever  it is")]
    [InlineData($"PROXY UNKNOWN {LongIPv6} {LongIPv6} 65535 65535")]
    public void An_unknown_connection_has_no_addresses(string line)
    {
        var header = new ProxyHeader(ProxyProtocolVersion.V1, line.Length + 2);
        AssertReads(header, $"{line}\r\n", "\r\n");
        Assert.True(header.IsLocal);
    }

    [Theory]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 080 80\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 08")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 80 080\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 80 08")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 +80 80\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 +")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 -80 80\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 -")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 80\0 80\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 80\0")]
    [InlineData("PROXY TCP4 1.2.3.4\0 1.2.3.4 80 80\r\n", "PROXY TCP4 1.2.3.4\0")]
    [InlineData("PROXY TCP6 ::1\0 ::1 80 80\r\n", "PROXY TCP6 ::1\0")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 65536 80\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 65536")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 4294967376 80\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 429496")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 0x50 80\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 0x")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 80 80 \r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 80 80 ")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 80 80 9\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 80 80 ")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 80\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 80\r")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 80 \r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 80 \r")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 80 80\n", "PROXY TCP4 1.2.3.4 1.2.3.4 80 80\n")]
    [InlineData("PROXY TCP4 1.2.3.4 1.2.3.4 80 80\r\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 80 80\r\r")]
    [InlineData("PROXY TCP4 1.2.3.4  1.2.3.4 80 80\r\n", "PROXY TCP4 1.2.3.4  ")]
    [InlineData("PROXY TCP4  1.2.3.4 1.2.3.4 80 80\r\n", "PROXY TCP4  ")]
    [InlineData("PROXY  TCP4 1.2.3.4 1.2.3.4 80 80\r\n", "PROXY  ")]
    [InlineData("PROXY\tTCP4 1.2.3.4 1.2.3.4 80 80\r\n", "PROXY\t")]
    [InlineData("PROXY TCP4\t1.2.3.4 1.2.3.4 80 80\r\n", "PROXY TCP4\t")]
    [InlineData("PROXY TCP4 1.2.3.4\t1.2.3.4 80 80\r\n", "PROXY TCP4 1.2.3.4\t")]
    [InlineData("PROXYS TCP4 1.2.3.4 1.2.3.4 80 80\r\n", "PROXYS")]
    [InlineData("PROXY\r\n", "PROXY\r")]
    [InlineData("PROXY \r\n", "PROXY \r")]
    [InlineData("PROXY TCP4\r\n", "PROXY TCP4\r")]
    [InlineData("PROXY tcp4 1.2.3.4 1.2.3.4 80 80\r\n", "PROXY t")]
    [InlineData("PROXY TCP5 1.2.3.4 1.2.3.4 80 80\r\n", "PROXY TCP5")]
    [InlineData("PROXY UDP4 1.2.3.4 1.2.3.4 80 80\r\n", "PROXY UD")]
    [InlineData("PROXY UNKNOWNS\r\n", "PROXY UNKNOWNS")]
    [InlineData("PROXY UNKNOWN\n", "PROXY UNKNOWN\n")]
    [InlineData("PROXY UNKNOWN a\rb\r\n", "PROXY UNKNOWN a\rb")]
    [InlineData("PROXY TCP4 01.2.3.4 1.2.3.4 80 80\r\n", "PROXY TCP4 01")]
    [InlineData("PROXY TCP4 1.2.3.04 1.2.3.4 80 80\r\n", "PROXY TCP4 1.2.3.04")]
    [InlineData("PROXY TCP4 1.2.3.256 1.2.3.4 80 80\r\n", "PROXY TCP4 1.2.3.256")]
    [InlineData("PROXY TCP4 1.2.3 1.2.3.4 80 80\r\n", "PROXY TCP4 1.2.3 ")]
    [InlineData("PROXY TCP4 1.2.3. 1.2.3.4 80 80\r\n", "PROXY TCP4 1.2.3. ")]
    [InlineData("PROXY TCP4 1..3.4 1.2.3.4 80 80\r\n", "PROXY TCP4 1..")]
    [InlineData("PROXY TCP4 1.2.3.4.5 1.2.3.4 80 80\r\n", "PROXY TCP4 1.2.3.4.")]
    [InlineData("PROXY TCP4 16909060 1.2.3.4 80 80\r\n", "PROXY TCP4 1690")]
    [InlineData("PROXY TCP4 0x1.2.3.4 1.2.3.4 80 80\r\n", "PROXY TCP4 0x")]
    [InlineData("PROXY TCP4 ::1 ::1 80 80\r\n", "PROXY TCP4 :")]
    [InlineData("PROXY TCP4 1.2.3.4 ::1 80 80\r\n", "PROXY TCP4 1.2.3.4 :")]
    [InlineData("PROXY TCP6 1.2.3.4 1.2.3.4 80 80\r\n", "PROXY TCP6 1.")]
    [InlineData("PROXY TCP6 ::1 1.2.3.4 80 80\r\n", "PROXY TCP6 ::1 1.")]
    [InlineData("PROXY TCP6 ::1.2.3.4 ::1 80 80\r\n", "PROXY TCP6 ::1.")]
    [InlineData("PROXY TCP6 ::fffe:1.2.3.4 ::1 80 80\r\n", "PROXY TCP6 ::fffe:1.")]
    [InlineData("PROXY TCP6 ::ffff:1.2.3.04 ::1 80 80\r\n", "PROXY TCP6 ::ffff:1.2.3.04")]
    [InlineData("PROXY TCP6 ::ffff:1.2.3 ::1 80 80\r\n", "PROXY TCP6 ::ffff:1.2.3 ")]
    [InlineData("PROXY TCP6 fe80::1%eth0 ::1 80 80\r\n", "PROXY TCP6 fe80::1%")]
    [InlineData("PROXY TCP6 [::1] ::1 80 80\r\n", "PROXY TCP6 [")]
    [InlineData("PROXY TCP6 ::: ::1 80 80\r\n", "PROXY TCP6 :::")]
    [InlineData("PROXY TCP6 : ::1 80 80\r\n", "PROXY TCP6 : ")]
    [InlineData("PROXY TCP6 1::2::3 ::1 80 80\r\n", "PROXY TCP6 1::2::")]
    [InlineData("PROXY TCP6 :1:2:3:4:5:6:7 ::1 80 80\r\n", "PROXY TCP6 :1")]
    [InlineData("PROXY TCP6 1:2:3:4:5:6:7: ::1 80 80\r\n", "PROXY TCP6 1:2:3:4:5:6:7: ")]
    [InlineData("PROXY TCP6 1:2:3:4:5:6:7 ::1 80 80\r\n", "PROXY TCP6 1:2:3:4:5:6:7 ")]
    [InlineData("PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 80 80\r\n", "PROXY TCP6 1:2:3:4:5:6:7:8:")]
    [InlineData("PROXY TCP6 1:2:3:4:5:6:7:8:: ::1 80 80\r\n", "PROXY TCP6 1:2:3:4:5:6:7:8:")]
    [InlineData("PROXY TCP6 ::1:2:3:4:5:6:7:8 ::1 80 80\r\n", "PROXY TCP6 ::1:2:3:4:5:6:7:")]
    [InlineData("PROXY TCP6 1:2:3:4::5:6:7:8 ::1 80 80\r\n", "PROXY TCP6 1:2:3:4::5:6:7:")]
    [InlineData("PROXY TCP6 ::00001 ::1 80 80\r\n", "PROXY TCP6 ::00001")]
    [InlineData("PROXY TCP6 ::g ::1 80 80\r\n", "PROXY TCP6 ::g")]
    [InlineData("PROXY TCP6 ::-1 ::1 80 80\r\n", "PROXY TCP6 ::-")]
    public void A_line_that_breaks_a_rule_is_refused_at_the_byte_that_does(string line, string decided)
    {
        var data = Encoding.Latin1.GetBytes(line);
        for (var length = 0; length <= data.Length; length++)
        {
            var expected = length < decided.Length ? ProxyHeaderStatus.Incomplete : ProxyHeaderStatus.Malformed;
            Assert.Equal((length, expected, null), (length, ProxyHeaderReader.Read(data.AsSpan(0, length)).Status, ProxyHeaderReader.Read(data.AsSpan(0, length)).Header));
        }
    }

    [Fact]
    public void A_line_has_at_most_107_bytes()
    {
        var longest = $"PROXY UNKNOWN {new string('x', ProxyTextHeader.MaxLength - 16)}";
        AssertReads(new ProxyHeader(ProxyProtocolVersion.V1, ProxyTextHeader.MaxLength), $"{longest}\r\n", "");
        Assert.Equal(ProxyHeaderStatus.Incomplete, Status($"{longest}"));
        Assert.Equal(ProxyHeaderStatus.Malformed, Status($"{longest}x"));
        Assert.Equal(ProxyHeaderStatus.Malformed, Status($"{longest}x\r\n"));
        Assert.Equal(ProxyHeaderStatus.Malformed, Status($"PROXY UNKNOWN {new string(' ', 1 << 20)}\r\n"));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PROPFIND / HTTP/1.1\r\n")]
    [InlineData("PROX")]
    [InlineData(" PROXY TCP4 1.2.3.4 1.2.3.4 80 80\r\n")]
    [InlineData("proxy TCP4 1.2.3.4 1.2.3.4 80 80\r\n")]
    [InlineData("\0")]
    [InlineData("\r\nPROXY UNKNOWN\r\n")]
    public void What_starts_otherwise_is_no_header(string text)
    {
        var starts = text == "PROX" ? ProxyHeaderStatus.Incomplete : ProxyHeaderStatus.Absent;
        Assert.Equal((starts, null), ProxyHeaderReader.Read(Encoding.Latin1.GetBytes(text)));
    }

    private static ProxyHeaderStatus Status(string text) => ProxyHeaderReader.Read(Encoding.Latin1.GetBytes(text)).Status;

    /// <summary>Every part of a line is incomplete, and what comes behind it changes nothing.</summary>
    private static void AssertReads(ProxyHeader header, string line, string behind)
    {
        var data = Encoding.Latin1.GetBytes(line + behind);
        for (var length = 0; length <= data.Length; length++)
        {
            Assert.Equal(
                length < line.Length ? (ProxyHeaderStatus.Incomplete, null) : (ProxyHeaderStatus.Complete, header),
                ProxyHeaderReader.Read(data.AsSpan(0, length)));
        }
    }
}
