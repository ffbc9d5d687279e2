using MProxy.Engine.Routing;

namespace MProxy.Engine.Tests.Datagrams;

public sealed class DnsQueryTests
{
    [Theory]
    [InlineData("example.com", "example.com")]
    [InlineData("eXaMpLe.COM", "example.com")]
    [InlineData("_acme-challenge.a.example", "_acme-challenge.a.example")]
    [InlineData("1.0.168.192.in-addr.arpa", "1.0.168.192.in-addr.arpa")]
    [InlineData("localhost", "localhost")]
    [InlineData("", null)]
    [InlineData("a b.example", ".")]
    [InlineData("a\u0000b.example", ".")]
    [InlineData("a,b.example", ".")]
    [InlineData("caf\u00e9.example", ".")]
    public void The_name_of_the_question_is_what_names_are_compared_by(string asked, string? name)
    {
        foreach (ushort type in (ushort[])[1, 2, 6, 12, 15, 16, 28, 33, 43, 65, 255])
        {
            var message = DnsMessages.Query(asked, type, rest: DnsMessages.Edns());
            var query = DnsQuery.TryRead(message, out var needsMore);
            Assert.NotNull(query);
            Assert.Equal((name, false, false), (query.Name, query.IsAnswer, needsMore));
            Assert.Equal(message.Length - DnsMessages.Edns().Length, query.QuestionEnd);
        }
    }

    [Fact]
    public void A_dot_within_a_label_does_not_make_it_two()
    {
        byte[] message = [.. DnsMessages.Query("a-b.example")];
        message[12 + 2] = (byte)'.';
        Assert.Equal(".", DnsQuery.TryRead(message, out _)!.Name);
    }

    [Fact]
    public void Each_prefix_needs_more_until_the_question_is_whole()
    {
        var message = DnsMessages.Query("www.example.com", rest: DnsMessages.Edns());
        var end = DnsQuery.TryRead(message, out _)!.QuestionEnd;
        for (var length = 0; length <= message.Length; length++)
        {
            var query = DnsQuery.TryRead(message.AsSpan(0, length), out var needsMore);
            Assert.Equal((length < end, length >= end), (needsMore, query is not null));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(65535)]
    public void One_question_is_asked_or_none_is_read(int questions)
    {
        Assert.Null(DnsQuery.TryRead(DnsMessages.Query("example.com", questions: (ushort)questions), out var needsMore));
        Assert.False(needsMore);
    }

    [Fact]
    public void A_first_name_points_nowhere()
    {
        var message = DnsMessages.Query("example.com");
        message[12] = 0xc0;
        Assert.Null(DnsQuery.TryRead(message, out var needsMore));
        Assert.False(needsMore);
        message[12] = 64;
        Assert.Null(DnsQuery.TryRead(message, out needsMore));
        Assert.False(needsMore);
    }

    [Fact]
    public void A_name_has_255_bytes_at_most()
    {
        var label = new string('a', 63);
        var longest = $"{label}.{label}.{label}.{new string('a', 61)}";
        Assert.Equal(longest, DnsQuery.TryRead(DnsMessages.Query(longest), out _)!.Name);
        Assert.Null(DnsQuery.TryRead(DnsMessages.Query($"{longest}a"), out var needsMore));
        Assert.False(needsMore);
    }

    [Fact]
    public void A_refusal_has_the_question_as_it_was_spelled_and_nothing_more()
    {
        var message = DnsMessages.Query("eXample.com", id: 0xbeef, rest: DnsMessages.Edns());
        var refused = DnsQuery.TryRead(message, out _)!.ToRefused(message);
        Assert.Equal(DnsMessages.Query("eXample.com", id: 0xbeef, flags: 0x81)[..2], refused[..2]);
        Assert.Equal([0x81, 5, 0, 1, 0, 0, 0, 0, 0, 0], refused[2..12]);
        Assert.Equal(message[12..^11], refused[12..]);
    }

    [Fact]
    public void A_truncated_answer_says_so_and_keeps_what_was_asked()
    {
        var message = DnsMessages.Query("example.com");
        var answer = DnsMessages.Answer(message, 4000);
        var truncated = DnsQuery.TryRead(answer, out _)!.ToTruncated(answer);
        Assert.Equal(message.Length, truncated.Length);
        Assert.Equal([0x83, 0, 0, 1, 0, 0, 0, 0, 0, 0], truncated[2..12]);
    }

    [Fact]
    public void Whatever_comes_is_read_without_harm()
    {
        var random = new Random(5);
        for (var round = 0; round < 200_000; round++)
        {
            var message = new byte[random.Next(0, 300)];
            random.NextBytes(message);
            if (message.Length > 12 && random.Next(2) == 0)
            {
                (message[4], message[5]) = (0, 1);
            }

            var query = DnsQuery.TryRead(message, out var needsMore);
            Assert.False(needsMore && query is not null);
            if (query is not null)
            {
                Assert.InRange(query.QuestionEnd, 17, Math.Min(message.Length, DnsQuery.MaxQuestionEnd));
                Assert.True(query.Name is null or DnsQuery.NoName || ServerName.TryFold(query.Name) == query.Name);
            }
        }
    }
}
