using System.Text;
using MProxy.Engine.Health;
using MProxy.Engine.Http;

namespace MProxy.Engine.Tests.Health;

/// <summary>The head of an answer to a probe, in whole or in pieces.</summary>
public class ProbeAnswerTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", 200)]
    [InlineData("HTTP/1.0 204\r\n\r\n", 204)]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\nbody", 302)]
    [InlineData("HTTP/1.1 503 x\r\nA: b\r\n\r\n", 503)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n", 200)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n\r\n", 101)]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\r\n", null)]
    [InlineData("HTTP/1.1 200 OK\n\n", null)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n", null)]
    [InlineData("", null)]
    [InlineData("HTTP/2 200\r\n\r\n", 0)]
    [InlineData("HTTP/1.1 2x0 OK\r\n\r\n", 0)]
    [InlineData("HTTP/1.1 2000 OK\r\n\r\n", 0)]
    [InlineData("SSH-2.0-x\r\n\r\n", 0)]
    [InlineData("\r\nHTTP/1.1 200 OK\r\n\r\n", 0)]
    public void It_is_read_strictly(string answer, int? status)
    {
        var bytes = Encoding.ASCII.GetBytes(answer);
        Assert.Equal(status, new ProbeAnswer().Take(bytes));
        for (var step = 1; step < 5; step++)
        {
            var reader = new ProbeAnswer();
            int? found = null;
            for (var at = 0; at < bytes.Length && found is null; at += step)
            {
                found = reader.Take(bytes.AsSpan(at, Math.Min(step, bytes.Length - at)));
            }

            Assert.Equal(status, found);
        }
    }

    [Theory]
    [InlineData(0, 200)]
    [InlineData(1, AnswerStatus.None)]
    public void It_may_be_16_KiB_long_and_not_a_byte_more(int more, int status)
    {
        const string Start = "HTTP/1.1 200 OK\r\nA: ";
        const string End = "\r\n\r\n";
        var answer = Start + new string('x', (16 << 10) - Start.Length - End.Length + more) + End;
        Assert.Equal(status, new ProbeAnswer().Take(Encoding.ASCII.GetBytes(answer)));
    }

    [Fact]
    public void Answers_that_are_not_the_last_have_no_end()
    {
        var interim = Encoding.ASCII.GetBytes("HTTP/1.1 103 x\r\n\r\n");
        var reader = new ProbeAnswer();
        var count = 0;
        while (reader.Take(interim) is not AnswerStatus.None)
        {
            Assert.InRange(++count, 0, 1000);
        }
    }
}
