using System.Globalization;

namespace MProxy.Engine.Tests.Lies.Moves;

/// <summary>Lies in headers: what every one of them leads to stands in protocol.md, section 1, and most of them end the link.</summary>
internal static class FrameMoves
{
    /// <summary>How a number can be written, and is not to be, but for the leading zero.</summary>
    private static readonly string[] Numbers = ["+1", "-1", "-0", " 1", "1 ", "1.0", "0x1", "1e0", "abc", "", "9223372036854775808", "18446744073709551616", "99999999999999999999999999", "\u0661"];

    public static readonly LyingMove[] All =
    [
        new("leads a size with zeros", liar => liar.SendAsync(RawFrame.Of($"{liar.AnyClient().Identity},0003,tcp,80,", "abc"u8))),
        new("leaves all fields empty", liar => liar.SendAsync(RawFrame.Of(",,,0,,,"))),
        new("leaves a client's fields empty", liar => liar.SendAsync(RawFrame.Of(",,,3,tcp,,", "abc"u8))),
        new("brings a client without fields", liar => liar.SendAsync(RawFrame.Of(",,,0,connection,,,"))),
        new("names a family that nobody knows", liar => liar.SendAsync(RawFrame.Of("tun,0,0,3,tcp,80,", "abc"u8))),
        new("writes more fields than there are", liar => liar.SendAsync(RawFrame.Of($"{liar.AnyClient().Identity},1,tcp,80,,,,,,\n", "a"u8))),
        new("writes a header as long as may be", liar => liar.SendAsync(Filled(liar, 255))),
        new("writes a header of 254 bytes", liar => liar.SendAsync(Filled(liar, 254))),
        new("writes control characters", liar => liar.SendAsync(RawFrame.Of($"{liar.AnyClient().Identity},1,connection,80,\u001b[2J\0\r\n,tcp", "a"u8))),
        new("starts with the body of the frame before", liar => liar.SendAsync(RawFrame.Of($"{liar.AnyClient().Identity},1,tcp,80,", RawFrame.Control("[5,\"ping\"]")))) { IsLast = true },
        new("wraps the length of a header of 256 bytes", liar => liar.SendAsync(Filled(liar, 256))) { IsLast = true },
        new("wraps the length of a header of 257 bytes", liar => liar.SendAsync(Filled(liar, 257))) { IsLast = true },
        new("is of another version", liar => liar.SendAsync(RawFrame.Of($"{liar.AnyClient().Identity},0,tcp,80,", version: (byte)liar.Chance.Next(254)))) { IsLast = true },
        new("has no header", liar => liar.SendAsync(new byte[] { 254, 0 })) { IsLast = true },
        new("has too few fields", liar => liar.SendAsync(RawFrame.Of(",,,0"))) { IsLast = true },
        new("writes a size that is no number", liar => liar.SendAsync(RawFrame.Of($"{liar.AnyClient().Identity},{Numbers[liar.Chance.Next(Numbers.Length)]},tcp,80,", "a"u8))) { IsLast = true },
        new("writes a port that is no number", liar => liar.SendAsync(RawFrame.Of($"IPv4,192.0.2.1,{Numbers[liar.Chance.Next(Numbers.Length)]},0,tcp,{liar.Chance.Next(60_000, 70_000)},"))) { IsLast = true },
        new("writes what is no text", liar => liar.SendAsync(new byte[] { 254, 20, (byte)'I', 0xff, (byte)',', 0xc0, 0x80, (byte)',', (byte)'1', (byte)',', (byte)'0', (byte)',', 0xed, 0xa0, 0x80, (byte)',', (byte)',', (byte)',', (byte)',', (byte)',', (byte)',', (byte)',' })) { IsLast = true },
        new("declares nine exabytes", liar => liar.SendAsync(RawFrame.Of(string.Create(CultureInfo.InvariantCulture, $"{liar.AnyClient().Identity},{long.MaxValue},tcp,80,"), liar.AnyBytes(200_000)))) { IsLast = true },
        new("declares nine exabytes of control", liar => liar.SendAsync(RawFrame.Of(string.Create(CultureInfo.InvariantCulture, $",,,{long.MaxValue},control"), liar.AnyBytes(200_000)))) { IsLast = true },
        new("declares nine exabytes of error", liar => liar.SendAsync(RawFrame.Of(string.Create(CultureInfo.InvariantCulture, $"{liar.AnyClient().Identity},{long.MaxValue},error,80,"), liar.AnyBytes(200_000)))) { IsLast = true },
        new("says what chance says", liar => liar.SendAsync(liar.AnyBytes(5000))) { IsLast = true },
        new("says a frame with a byte of chance in it", liar =>
        {
            var (identity, place) = liar.AnyClient();
            var frame = RawFrame.Client(identity, liar.Chance.Next(2) == 0 ? "tcp" : "end", place, "some"u8);
            frame[liar.Chance.Next(frame.Length)] = (byte)liar.Chance.Next(256);
            return liar.SendAsync(frame);
        }) { IsLast = true },
    ];

    /// <summary>A frame whose header is so many bytes long, by its name.</summary>
    private static byte[] Filled(Liar liar, int length)
    {
        var header = $"{liar.AnyClient().Identity},1,{(liar.Chance.Next(2) == 0 ? "connection" : "tcp")},80,";
        return RawFrame.Of(header + new string('n', length - header.Length), "a"u8);
    }
}
