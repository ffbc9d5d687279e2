using System.Net;
using System.Text;
using MProxy.Engine.ProxyProtocol;

namespace MProxy.Engine.Tests.ProxyProtocol;

/// <summary>What is written, byte for byte, and that it reads as what it was.</summary>
public class ProxyHeaderWriterTests
{
    [Theory]
    [InlineData("192.168.0.1:56324", "192.168.0.11:443", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443")]
    [InlineData("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.5]:2", "PROXY TCP4 1.2.3.4 1.2.3.5 1 2")]
    [InlineData("[::ffff:1.2.3.4]:1", "1.2.3.5:2", "PROXY TCP4 1.2.3.4 1.2.3.5 1 2")]
    [InlineData("1.2.3.4:1", "[::1]:2", "PROXY TCP6 0:0:0:0:0:ffff:102:304 ::1 1 2")]
    [InlineData("[2001:db8::1]:1", "1.2.3.4:0", "PROXY TCP6 2001:db8::1 0:0:0:0:0:ffff:102:304 1 0")]
    [InlineData("[fe80::1%3]:65535", "[::1.2.3.4]:2", "PROXY TCP6 fe80::1 0:0:0:0:0:0:102:304 65535 2")]
    [InlineData("[fe80::5efe:1.2.3.4]:1", "[::]:2", "PROXY TCP6 fe80:0:0:0:0:5efe:102:304 :: 1 2")]
    public void A_line_of_text(string source, string destination, string line) =>
        Assert.Equal($"{line}\r\n", Encoding.ASCII.GetString(ProxyHeaderWriter.Write(ProxyProtocolVersion.V1, IPEndPoint.Parse(source), IPEndPoint.Parse(destination), "a.example")));

    [Theory]
    [InlineData("127.0.0.1:50000", "10.0.0.2:443", null, "2111000C" + "7F0000010A000002C35001BB")]
    [InlineData("[::ffff:127.0.0.1]:50000", "10.0.0.2:443", "", "2111000C" + "7F0000010A000002C35001BB")]
    [InlineData("127.0.0.1:50000", "10.0.0.2:443", "example.com", "2111001A" + "7F0000010A000002C35001BB" + "02000B6578616D706C652E636F6D")]
    [InlineData("1.2.3.4:1", "[2001:db8::2]:2", null, "21210024" + "00000000000000000000FFFF01020304" + "20010DB8000000000000000000000002" + "00010002")]
    [InlineData("127.0.0.1:50000", "10.0.0.2:443", "ü", "21110011" + "7F0000010A000002C35001BB" + "020002C3BC")]
    public void A_binary_header(string source, string destination, string? name, string hex) => Assert.Equal(
        $"0D0A0D0A000D0A515549540A{hex}",
        Convert.ToHexString(ProxyHeaderWriter.Write(ProxyProtocolVersion.V2, IPEndPoint.Parse(source), IPEndPoint.Parse(destination), name)));

    [Fact]
    public void Without_addresses_it_says_that_they_are_unknown()
    {
        var known = new IPEndPoint(IPAddress.Loopback, 1);
        foreach (var (source, destination) in new (IPEndPoint?, IPEndPoint?)[] { (null, null), (known, null), (null, known) })
        {
            Assert.Equal("PROXY UNKNOWN\r\n"u8, ProxyHeaderWriter.Write(ProxyProtocolVersion.V1, source, destination, "a.example"));
            Assert.Equal("0D0A0D0A000D0A515549540A20000000", Convert.ToHexString(ProxyHeaderWriter.Write(ProxyProtocolVersion.V2, source, destination, "a.example")));
            Assert.Empty(ProxyHeaderWriter.Write(ProxyProtocolVersion.None, source, destination));
        }

        Assert.Empty(ProxyHeaderWriter.Write(ProxyProtocolVersion.None, known, known));
    }

    [Theory]
    [InlineData("a,b")]
    [InlineData("a\0b")]
    [InlineData("a\r\nb")]
    [InlineData("a\x7f")]
    [InlineData("a\x85")]
    [InlineData("half a pair")]
    [InlineData("long")]
    [InlineData("long ü")]
    public void A_name_that_no_receiver_would_take_is_left_out(string name)
    {
        // In two bytes each, 128 of these are too long as well.
        name = name switch { "long" => new string('a', 256), "long ü" => new string('ü', 128), "half a pair" => "a\uD800", _ => name };
        var end = new IPEndPoint(IPAddress.Loopback, 1);
        Assert.Equal(ProxyHeaderWriter.Write(ProxyProtocolVersion.V2, end, end), ProxyHeaderWriter.Write(ProxyProtocolVersion.V2, end, end, name));
    }

    [Fact]
    public void Whatever_is_written_reads_as_it_was()
    {
        var random = new Random(20_14);
        for (var round = 0; round < 20_000; round++)
        {
            var (source, destination) = (RandomEnd(random), RandomEnd(random));
            var name = random.Next(3) == 0 ? null : string.Concat(Enumerable.Range(0, random.Next(1, 64)).Select(_ => random.GetItems(["a", "Z", ".", "-", "9", "ü", "漢", "😀"], 1)[0]));
            foreach (var version in new[] { ProxyProtocolVersion.V1, ProxyProtocolVersion.V2 })
            {
                var data = ProxyHeaderWriter.Write(version, source, destination, name);
                var isShort = Encoding.UTF8.GetByteCount(name ?? "") <= 255;
                var header = new ProxyHeader(version, data.Length) { Source = source, Destination = destination, Authority = version == ProxyProtocolVersion.V2 && isShort ? name : null };
                Assert.Equal((ProxyHeaderStatus.Complete, header), ProxyHeaderReader.Read([.. data, .. "more"u8]));
                Assert.Equal((ProxyHeaderStatus.Incomplete, null), ProxyHeaderReader.Read(data.AsSpan(0, random.Next(data.Length))));
            }
        }
    }

    /// <summary>Changes bytes of valid headers. A header is only ever given with Complete, and what is decided stays decided.</summary>
    [Fact]
    public void Whatever_the_bytes_are_nothing_is_thrown_and_what_is_decided_stays()
    {
        var random = new Random(4711);
        var alphabet = Encoding.Latin1.GetBytes("\r\n \t.:%0123456789abcdefTCPUNKOWRXY\0\x02\x03\x04\x11\x20\x21\x31\x7f\xff");
        for (var round = 0; round < 50_000; round++)
        {
            var version = (ProxyProtocolVersion)random.Next(1, 3);
            var data = ProxyHeaderWriter.Write(version, random.Next(9) == 0 ? null : RandomEnd(random), RandomEnd(random), random.Next(2) == 0 ? null : "name.example").ToList();
            for (var change = random.Next(4); change >= 0; change--)
            {
                var at = random.Next(data.Count);
                switch (random.Next(3))
                {
                    case 0:
                        data[at] = alphabet[random.Next(alphabet.Length)];
                        break;
                    case 1:
                        data.Insert(at, alphabet[random.Next(alphabet.Length)]);
                        break;
                    default:
                        data.RemoveRange(at, Math.Min(random.Next(1, 4), data.Count - at - 1));
                        break;
                }
            }

            var previous = (Status: ProxyHeaderStatus.Incomplete, Header: (ProxyHeader?)null);
            for (var length = 0; length <= data.Count; length++)
            {
                var read = ProxyHeaderReader.Read(data.ToArray().AsSpan(0, length));
                Assert.Equal(read.Status == ProxyHeaderStatus.Complete, read.Header is not null);
                Assert.True(read.Header is null || read.Header.Length <= length);
                if (previous.Status != ProxyHeaderStatus.Incomplete)
                {
                    Assert.Equal(previous, read);
                }

                previous = read;
            }
        }
    }

    /// <summary>As the reader gives one: never mapped. Half of the groups are zeros, so that they can be left out.</summary>
    private static IPEndPoint RandomEnd(Random random)
    {
        var bytes = new byte[random.Next(2) == 0 ? 4 : 16];
        for (var i = 0; i < bytes.Length; i += 2)
        {
            (bytes[i], bytes[i + 1]) = random.Next(2) == 0 ? ((byte)0, (byte)0) : ((byte)random.Next(256), (byte)random.Next(256));
        }

        var address = new IPAddress(bytes);
        return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, random.Next(65_536));
    }
}
