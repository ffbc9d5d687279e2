using System.Text;
using System.Text.Json;
using MProxy.Engine.Access;

namespace MProxy.Engine.Tests.Access;

/// <summary>A record is one line of JSON, whatever its client has put into it.</summary>
public sealed class AccessLineTests
{
    private static readonly AccessRecord Short = AccessFolder.Record(1);

    [Fact]
    public void A_line_has_its_members_in_the_order_that_is_documented()
    {
        var record = new AccessRecord
        {
            Time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(5.5)),
            Owner = "front",
            SocketId = "IPv6,2001:db8::1,54321",
            Address = "2001:db8::1",
            Port = 54321,
            Service = "https",
            ServicePort = 443,
            Name = "a.example",
            Device = "tls://192.0.2.7:1234",
            BytesIn = 5_000_000_000,
            BytesOut = 0,
            Duration = TimeSpan.FromTicks(2_000_9999),
            End = "E_OVERFLOW",
            Reason = "no device serves its port",
        };
        Assert.Equal(
            """{"time":"2026-01-01T21:34:05.678Z","owner":"front","socket_id":"IPv6,2001:db8::1,54321","address":"2001:db8::1","port":54321,"""
            + "\"service\":\"https\",\"service_port\":443,\"name\":\"a.example\",\"device\":\"tls://192.0.2.7:1234\","
            + "\"bytes_in\":5000000000,\"bytes_out\":0,\"duration\":2.000,\"end\":\"E_OVERFLOW\",\"reason\":\"no device serves its port\"}\n",
            Text(record));
    }

    [Fact]
    public void What_is_not_known_is_left_out() => Assert.Equal(
        """{"time":"2026-01-02T03:04:05.000Z","owner":"relay","socket_id":"IPv4,192.0.2.1,54321","bytes_in":0,"bytes_out":0,"duration":0.000,"end":"end"}""" + "\n",
        Text(Short with { Name = "", Device = "" }));

    [Theory]
    [InlineData(0.0, "0.000")]
    [InlineData(1.0, "0.001")]
    [InlineData(1.99, "0.001")]
    [InlineData(1500, "1.500")]
    [InlineData(86_400_000, "86400.000")]
    public void A_duration_has_three_decimals(double milliseconds, string text) =>
        Assert.Contains($"\"duration\":{text},", Text(Short with { Duration = TimeSpan.FromTicks((long)(milliseconds * 10_000)) }), StringComparison.Ordinal);

    [Fact]
    public void A_line_of_what_is_missing_says_how_many_and_when() => Assert.Equal(
        """{"time":"2026-01-02T03:04:05.000Z","dropped":12}""" + "\n",
        Encoding.Latin1.GetString(AccessLine.OfDropped(12, Short.Time)));

    [Fact]
    public void Every_code_unit_stays_inside_of_its_line_and_can_be_read_back()
    {
        for (var unit = 0; unit <= char.MaxValue; unit++)
        {
            var c = (char)unit;
            var expected = char.IsSurrogate(c) ? '\uFFFD' : c;
            var line = Line($"{c}a{c}");
            Assert.Equal($"{expected}a{expected}", NameIn(line));
            if (c is < ' ' or > '~')
            {
                Assert.Contains($"\"name\":\"{Escape(expected)}a{Escape(expected)}\"", Encoding.Latin1.GetString(line), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Pairs_of_surrogates_are_read_back_and_halves_of_them_are_replaced()
    {
        foreach (var text in new[] { "\U0001F600", "\U000E0001", "\U0010FFFF", "\uD800\uD800\uDC00", "\uDC00\uD800" })
        {
            var expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            Assert.Equal(expected, NameIn(Line(text)));
        }
    }

    [Theory]
    [InlineData("a\"}\n{\"time\":\"2026-01-01T00:00:00.000Z\",\"owner\":\"relay\",\"end\":\"end\"}")]
    [InlineData("a\r\n{\"dropped\":1}\r\n")]
    [InlineData("a\",\"end\":\"end\",\"x\":\"")]
    [InlineData("a\\")]
    [InlineData("a\\\"")]
    [InlineData("a\\u000a")]
    [InlineData("a\u0085b\u2028c\u2029d\vf\ff")]
    [InlineData("\u001b]0;title\a\u001b[2J\u009b31m\u007f")]
    [InlineData("gpj.exe\u202e\u2066\u2067\u2069\u200f\u061c")]
    [InlineData("\u0000\uFEFF\uFFFE\uFFFF")]
    [InlineData("</script><!--'`+&")]
    public void No_text_forges_a_line_a_member_or_a_command_to_a_terminal(string text)
    {
        var record = new AccessRecord
        {
            Time = Short.Time,
            Owner = text,
            SocketId = text,
            Address = text,
            Service = text,
            Name = text,
            Device = text,
            End = text,
            Reason = text,
        };
        using var line = JsonDocument.Parse(Checked(AccessLine.OfClient(record)));
        string[] members = ["time", "owner", "socket_id", "address", "service", "name", "device", "bytes_in", "bytes_out", "duration", "end", "reason"];
        Assert.Equal(members, line.RootElement.EnumerateObject().Select(member => member.Name));
        foreach (var member in line.RootElement.EnumerateObject().Where(member => member.Name is not "time" && member.Value.ValueKind == JsonValueKind.String))
        {
            Assert.Equal(text, member.Value.GetString());
        }
    }

    [Theory]
    [InlineData("", "x", 300)]
    [InlineData("", "\u0001", 300)]
    [InlineData("", "\"", 300)]
    [InlineData("", "\uFFFF", 300)]
    [InlineData("", "\uDC00", 300)]
    [InlineData("", "\U0001F600", 300)]
    [InlineData("x", "\U0001F600", 299)]
    public void However_long_a_text_is_a_line_is_not(string start, string part, int length)
    {
        var text = start + string.Concat(Enumerable.Repeat(part, 5000));
        var record = new AccessRecord
        {
            Time = DateTimeOffset.MaxValue,
            Owner = text,
            SocketId = text,
            Address = text,
            Port = int.MinValue,
            Service = text,
            ServicePort = int.MinValue,
            Name = text,
            Device = text,
            BytesIn = long.MinValue,
            BytesOut = long.MinValue,
            Duration = TimeSpan.MinValue,
            End = text,
            Reason = text,
        };
        var line = Checked(AccessLine.OfClient(record));
        Assert.InRange(line.Length, 1, AccessLine.MaxLength);
        Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text[..length])), NameIn(line));
    }

    private static string Text(AccessRecord record) => Encoding.Latin1.GetString(Checked(AccessLine.OfClient(record)));

    private static byte[] Line(string name) => Checked(AccessLine.OfClient(Short with { Name = name }));

    private static string Escape(char c) => c switch
    {
        '\b' => @"\b",
        '\t' => @"\t",
        '\n' => @"\n",
        '\f' => @"\f",
        '\r' => @"\r",
        _ => $@"\u{(int)c:X4}",
    };

    private static string? NameIn(byte[] line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("name").GetString();
    }

    /// <summary>It is one line of printable ASCII.</summary>
    private static byte[] Checked(byte[] line)
    {
        Assert.Equal((byte)'\n', line[^1]);
        Assert.Equal(-1, line.AsSpan(..^1).IndexOfAnyExceptInRange((byte)' ', (byte)'~'));
        return line;
    }
}
