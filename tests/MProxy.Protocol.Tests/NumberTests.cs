using System.Globalization;
using System.Text;

namespace MProxy.Protocol.Tests;

/// <summary>The numbers of a header: of any length, anywhere in it, and whatever stands in the place of a digit.</summary>
public class NumberTests
{
    [Fact]
    public void Every_port_is_read_with_and_without_zeros_in_front()
    {
        for (var port = 0; port <= ushort.MaxValue; port++)
        {
            var (read, service) = Ports($"IPv4,192.0.2.1,{port},0,tcp,{port:D5},name");
            Assert.Equal((port, port), (read, service));
        }

        Assert.Equal((7, 80), Ports("IPv4,192.0.2.1,0000000000007,0,tcp,00000080,name"));
    }

    [Theory]
    [InlineData("65536")]
    [InlineData("99999999")]
    [InlineData("100000000000")]
    [InlineData("4294967297")]
    public void A_port_beyond_the_last_is_refused(string port)
    {
        Assert.Throws<ProtocolException>(() => Ports($"IPv4,192.0.2.1,{port},0,tcp,80,name"));
        Assert.Throws<ProtocolException>(() => Ports($"IPv4,192.0.2.1,80,0,tcp,{port},name"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("IPv4,192.0.2.1,1")]
    public void A_size_of_any_length_is_read_wherever_it_stands(string before)
    {
        var text = "";
        for (var length = 1; length <= 18; length++)
        {
            text += (char)('0' + (length % 10));
            var front = before.Length == 0 ? ",," : before;
            Assert.Equal(long.Parse(text, CultureInfo.InvariantCulture), Size($"{front},{text},tcp"));
            Assert.Equal(long.Parse(text, CultureInfo.InvariantCulture), Size($"{front},000{text},tcp"));
        }
    }

    [Fact]
    public void Nothing_but_digits_is_a_number()
    {
        for (var length = 1; length <= 9; length++)
        {
            for (var at = 0; at < length; at++)
            {
                for (var character = 0; character < 128; character++)
                {
                    var text = new StringBuilder("123456789", 0, length, 16) { [at] = (char)character }.ToString();
                    var header = $"IPv4,192.0.2.1,1,{text},tcp,80,name,more";
                    if (char.IsAsciiDigit((char)character))
                    {
                        Assert.Equal(long.Parse(text, CultureInfo.InvariantCulture), Size(header));
                    }
                    else if (character != ',')
                    {
                        Assert.Throws<ProtocolException>(() => Size(header));
                    }
                }
            }
        }
    }

    [Fact]
    public void A_size_beyond_the_limit_is_refused_and_one_at_it_is_read()
    {
        Assert.Equal(1000, Size("IPv4,192.0.2.1,1,1000,tcp", limit: 1000));
        Assert.Throws<ProtocolException>(() => Size("IPv4,192.0.2.1,1,1001,tcp", limit: 1000));
    }

    private static (int? Port, int? ServicePort) Ports(string header)
    {
        var input = Frame(header);
        Assert.True(new FrameScanner().TryRead(ref input, out var slice));
        return (slice.Header.Port, slice.Header.ServicePort);
    }

    private static long Size(string header, long limit = long.MaxValue)
    {
        var input = Frame(header);
        Assert.True(new FrameScanner(maxBodyLength: limit).TryRead(ref input, out var slice));
        return slice.Header.BodyLength;
    }

    private static ReadOnlySpan<byte> Frame(string header)
    {
        var bytes = Encoding.UTF8.GetBytes(header);
        return (byte[])[WireFormat.Version1, (byte)bytes.Length, .. bytes];
    }
}
