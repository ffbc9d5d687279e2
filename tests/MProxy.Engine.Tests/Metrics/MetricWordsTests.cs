using System.Net.Sockets;
using MProxy.Engine.Link;
using MProxy.Engine.Metrics;

namespace MProxy.Engine.Tests.Metrics;

public class MetricWordsTests
{
    [Theory]
    [InlineData("tcp", "tcp")]
    [InlineData("dns-tcp", "dns-tcp")]
    [InlineData("HTTPS", "other")]
    [InlineData("secret-of-a-client", "other")]
    [InlineData("", "other")]
    [InlineData(null, "other")]
    public void A_service_is_one_of_a_few(string? service, string expected) => Assert.Equal(expected, MetricWords.Service(service));

    [Theory]
    [InlineData(null, "end")]
    [InlineData(ErrorCode.Overflow, "E_OVERFLOW")]
    [InlineData(ErrorCode.LinkLost, "E_LINK_LOST")]
    [InlineData("E_MADE_UP_BY_A_PEER", "other")]
    [InlineData("", "other")]
    public void An_end_is_in_order_or_a_code_of_this_program(string? code, string expected) => Assert.Equal(expected, MetricWords.End(code, "end"));

    [Theory]
    [InlineData("no device serves its port", "no_device_serves_its_port")]
    [InlineData("it speaks HTTP/2, which goes by port", "it_speaks_http_2_which_goes_by_port")]
    [InlineData("its ClientHello is malformed", "its_clienthello_is_malformed")]
    [InlineData("word", "word")]
    public void A_sentence_is_a_word(string sentence, string expected) => Assert.Equal(expected, MetricWords.Slug(sentence));

    [Fact]
    public void A_dial_ends_in_one_of_a_few_ways()
    {
        Assert.Equal("ok", MetricWords.Outcome(null));
        Assert.Equal("timeout", MetricWords.Outcome(new TaskCanceledException()));
        Assert.Equal("timeout", MetricWords.Outcome(new SocketException((int)SocketError.TimedOut)));
        Assert.Equal("refused", MetricWords.Outcome(new SocketException((int)SocketError.ConnectionRefused)));
        Assert.Equal("unreachable", MetricWords.Outcome(new SocketException((int)SocketError.NetworkUnreachable)));
        Assert.Equal("unresolved", MetricWords.Outcome(new SocketException((int)SocketError.HostNotFound)));
        Assert.Equal("other", MetricWords.Outcome(new SocketException((int)SocketError.AddressFamilyNotSupported)));
    }
}
