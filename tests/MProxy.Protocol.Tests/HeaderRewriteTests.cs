using System.Text;

namespace MProxy.Protocol.Tests;

/// <summary>A header that was read is written again as it was, but for SIZE.</summary>
public class HeaderRewriteTests
{
    [Theory]
    [InlineData("IPv4,192.0.2.1,1,300,tcp,80,a.example", 300, "IPv4,192.0.2.1,1,300,tcp,80,a.example")]
    [InlineData("IPv4,192.0.2.1,1,300,tcp,80,a.example", 99, "IPv4,192.0.2.1,1,99,tcp,80,a.example")]
    [InlineData("IPv4,192.0.2.1,0001,00300,tcp,,,,more", 300, "IPv4,192.0.2.1,0001,00300,tcp,,,,more")]
    [InlineData("IPv4,192.0.2.1,0001,00300,tcp,,,,more", 0, "IPv4,192.0.2.1,0001,0,tcp,,,,more")]
    [InlineData(",,,300,control", 7, ",,,7,control")]
    [InlineData("IPv6,::1,5,300,connection,443,é.example,https", 299, "IPv6,::1,5,299,connection,443,é.example,https")]
    public void It_keeps_every_field_but_the_size(string header, long size, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(header);
        ReadOnlySpan<byte> input = [WireFormat.Version1, (byte)bytes.Length, .. bytes];
        Assert.True(new FrameScanner().TryRead(ref input, out var slice));
        var target = new byte[WireFormat.MaxHeaderRoom];
        var length = HeaderTemplate.Rewrite(slice.Header, size, target);
        Assert.Equal([WireFormat.Version1, (byte)(length - WireFormat.PreambleLength), .. Encoding.UTF8.GetBytes(expected)], target[..length]);
    }

    [Fact]
    public void The_longest_header_fits_and_a_larger_size_is_refused()
    {
        var bytes = Encoding.UTF8.GetBytes($"IPv4,192.0.2.1,1,300,{new string('s', WireFormat.MaxHeaderLength - 21)}");
        byte[] frame = [WireFormat.Version1, WireFormat.MaxHeaderLength, .. bytes];
        var target = new byte[WireFormat.MaxHeaderRoom];
        ReadOnlySpan<byte> input = frame;
        Assert.True(new FrameScanner().TryRead(ref input, out var slice));
        Assert.Equal(WireFormat.MaxHeaderRoom, HeaderTemplate.Rewrite(slice.Header, 300, target));
        Assert.Equal(frame, target);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
        {
            ReadOnlySpan<byte> again = frame;
            new FrameScanner().TryRead(ref again, out var other);
            HeaderTemplate.Rewrite(other.Header, 301, target);
        });
    }
}
