using System.Text;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Tests.Routing;

public class ClientPrefaceTests
{
    [Theory]
    [InlineData("", "Unknown")]
    [InlineData("\x16", "Unknown")]
    [InlineData("\x16\x03", "Tls")]
    [InlineData("\x16\x03\x01\x02", "Tls")]
    [InlineData("\x16\x02", "Raw")]
    [InlineData("\x16" + "A", "Raw")]
    [InlineData("\x80\x2e\x01", "Raw")]
    [InlineData("\x15", "Raw")]
    [InlineData("G", "Unknown")]
    [InlineData("GET", "Unknown")]
    [InlineData("GET ", "Http")]
    [InlineData("GET / HTTP/1.1\r\n", "Http")]
    [InlineData("A ", "Http")]
    [InlineData("ABCDEFGHIJKLMNOPQRST", "Unknown")]
    [InlineData("ABCDEFGHIJKLMNOPQRST ", "Http")]
    [InlineData("ABCDEFGHIJKLMNOPQRSTU", "Raw")]
    [InlineData("ABCDEFGHIJKLMNOPQRSTU ", "Raw")]
    [InlineData(" GET /", "Raw")]
    [InlineData("get / HTTP/1.1", "Raw")]
    [InlineData("GeT ", "Raw")]
    [InlineData("GET\t/", "Raw")]
    [InlineData("GET\r\n", "Raw")]
    [InlineData("EHLO", "Unknown")]
    [InlineData("EHLO\r", "Raw")]
    [InlineData("SSH-2.0", "Raw")]
    [InlineData("\r\nGET / HTTP/1.1", "Raw")]
    [InlineData("PRI", "Unknown")]
    [InlineData("PRI ", "Unknown")]
    [InlineData("PRI * HTTP/2.", "Unknown")]
    [InlineData("PRI * HTTP/2.0", "Http2")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM", "Http2")]
    [InlineData("PRI /", "Http")]
    [InlineData("PRI * HTTP/1.1", "Http")]
    [InlineData("PRIX ", "Http")]
    [InlineData("PR", "Unknown")]
    [InlineData("\0", "Raw")]
    public void The_first_bytes_tell(string data, string kind) => Assert.Equal(kind, ClientPreface.Read(Encoding.Latin1.GetBytes(data)).ToString());

    [Fact]
    public void What_is_told_stays_and_is_told_in_time()
    {
        var random = new Random(4711);
        var alphabet = Encoding.Latin1.GetBytes("\x16\x03\x01 GETPRI*/a");
        var told = new HashSet<ClientKind>();
        for (var round = 0; round < 20_000; round++)
        {
            byte[] data = [.. round % 2 == 0 ? "PRI * HTTP/2.0"u8[..random.Next(15)] : [], .. random.GetItems(alphabet, ClientPreface.MaxLength)];
            var first = ClientKind.Unknown;
            for (var length = 0; length <= data.Length; length++)
            {
                var kind = ClientPreface.Read(data.AsSpan(0, length));
                Assert.True(first == ClientKind.Unknown || kind == first);
                first = kind;
                Assert.True(kind != ClientKind.Unknown || length < ClientPreface.MaxLength);
            }

            told.Add(first);
        }

        Assert.Equal(4, told.Count);
    }
}
