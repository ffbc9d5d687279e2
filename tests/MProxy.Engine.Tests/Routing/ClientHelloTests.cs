using MProxy.Engine.Routing;

namespace MProxy.Engine.Tests.Routing;

/// <summary>ClientHellos as they come, whole and in pieces.</summary>
public class ClientHelloTests
{
    /// <summary>Extensions that browsers send and nobody here knows: GREASE (RFC 8701), and an encrypted ClientHello.</summary>
    private static readonly byte[][] Strange =
    [
        HelloBuilder.Extension(HelloBuilder.Grease), HelloBuilder.Extension(HelloBuilder.EncryptedClientHello, [0, 0, 1, 0, 1, .. new byte[200]]),
        HelloBuilder.Extension(0xfafa, 0),
    ];

    [Theory]
    [InlineData("a.example", "a.example")]
    [InlineData("A.Example", "a.example")]
    [InlineData(null, null)]
    public async Task A_real_hello_is_read_wherever_it_is_split(string? host, string? expected)
    {
        var hello = await HelloBuilder.CaptureAsync(host);
        Assert.Equal((ClientHelloStatus.Complete, expected), new ClientHello().Read(hello));
        for (var split = 0; split < hello.Length; split++)
        {
            var reader = new ClientHello();
            Assert.Equal((ClientHelloStatus.Incomplete, null), reader.Read(hello.AsSpan(0, split)));
            Assert.Equal((ClientHelloStatus.Incomplete, null), reader.Read(hello.AsSpan(0, split)));
            Assert.Equal((ClientHelloStatus.Complete, expected), reader.Read(hello));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(16384)]
    public async Task A_real_hello_is_read_however_it_is_scattered_over_records(int length)
    {
        var hello = HelloBuilder.InRecordsOf(length, HelloBuilder.MessageOf(await HelloBuilder.CaptureAsync("a.example")));
        Assert.Equal((ClientHelloStatus.Complete, "a.example"), new ClientHello().Read(hello));
        var dropByDrop = new ClientHello();
        for (var count = 0; count < hello.Length; count++)
        {
            Assert.Equal(ClientHelloStatus.Incomplete, dropByDrop.Read(hello.AsSpan(0, count)).Status);
        }

        Assert.Equal((ClientHelloStatus.Complete, "a.example"), dropByDrop.Read([.. hello, 0, 1, 2]));
        Assert.Equal((ClientHelloStatus.Complete, "a.example"), dropByDrop.Read([.. hello, .. new byte[ClientHello.MaxLength]]));
    }

    [Fact]
    public void The_golden_hello_is_read()
    {
        var hello = File.ReadAllBytes(Path.Combine(RepositoryRoot(), "tests", "vectors", "sni.hello.bin"));
        Assert.Equal((ClientHelloStatus.Complete, "pokemap.hellabit.com"), new ClientHello().Read(hello));
        Assert.Equal("pokemap.hellabit.com", ClientHello.FindServerName(hello));
        Assert.Null(ClientHello.FindServerName(hello.AsSpan(0, hello.Length - 1)));
        Assert.Null(ClientHello.FindServerName("GET / HTTP/1.1\r\n\r\n"u8));
    }

    [Fact]
    public void A_hello_needs_no_name_and_no_extensions()
    {
        Assert.Equal((ClientHelloStatus.Complete, null), Read(HelloBuilder.Hello(null)));
        Assert.Equal((ClientHelloStatus.Complete, null), Read(HelloBuilder.Hello()));
        Assert.Equal((ClientHelloStatus.Complete, null), Read(HelloBuilder.Hello(Strange)));
    }

    [Fact]
    public void What_is_not_known_is_stepped_over()
    {
        Assert.Equal((ClientHelloStatus.Complete, "a.example"), Read(HelloBuilder.Hello([.. Strange, HelloBuilder.NameExtension("a.example")])));
        Assert.Equal((ClientHelloStatus.Complete, "a.example"), Read(HelloBuilder.Hello([HelloBuilder.NameExtension("a.example."), .. Strange])));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    [InlineData(5, false)]
    public void Records_are_of_TLS_1_0_to_1_3(byte minor, bool isRead)
    {
        var hello = HelloBuilder.Record(HelloBuilder.Message(HelloBuilder.Body(HelloBuilder.NameExtension("a.example"))), minor: minor);
        Assert.Equal(isRead ? (ClientHelloStatus.Complete, "a.example") : (ClientHelloStatus.Malformed, null), Read(hello));
    }

    [Theory]
    [InlineData(0, "Complete")]
    [InlineData(1, "Malformed")]
    public void A_message_has_at_most_16_KiB(int beyond, string status)
    {
        var message = Padded(ClientHello.MaxMessageLength + beyond);
        Assert.Equal(ClientHello.MaxMessageLength + beyond, message.Length);
        Assert.Equal(status, Read(HelloBuilder.InRecordsOf(4000, message)).Status.ToString());

        // What is too long is told from its first bytes.
        Assert.Equal(beyond == 0 ? ClientHelloStatus.Incomplete : ClientHelloStatus.Malformed, Read(HelloBuilder.InRecordsOf(4000, message)[..9]).Status);
    }

    [Fact]
    public void With_the_headers_of_its_records_too_a_hello_is_bounded()
    {
        // 5 bytes of header for each 10 of content.
        byte[] Scattered(int total) => HelloBuilder.InRecordsOf(10, Padded(total / 15 * 10));
        Assert.Equal((ClientHelloStatus.Complete, "a.example"), Read(Scattered(ClientHello.MaxLength)));
        Assert.Equal((ClientHelloStatus.Malformed, null), Read(Scattered(ClientHello.MaxLength + 15)));
        var data = Scattered(ClientHello.MaxLength + 15);
        var reader = new ClientHello();
        Assert.Equal(ClientHelloStatus.Incomplete, reader.Read(data.AsSpan(0, ClientHello.MaxLength - 1)).Status);
        Assert.Equal(ClientHelloStatus.Malformed, reader.Read(data.AsSpan(0, ClientHello.MaxLength)).Status);
        Assert.Equal(ClientHelloStatus.Malformed, reader.Read(data).Status);
    }

    [Fact]
    public void Alerts_are_whole_records()
    {
        Assert.Equal("15030100020270", Convert.ToHexString(TlsAlert.UnrecognizedName.Span));
        Assert.Equal("15030100020228", Convert.ToHexString(TlsAlert.HandshakeFailure.Span));
        Assert.Equal("15030100020232", Convert.ToHexString(TlsAlert.DecodeError.Span));
    }

    private static (ClientHelloStatus Status, string? Name) Read(byte[] data) => new ClientHello().Read(data);

    private static byte[] Padded(int messageLength)
    {
        var empty = HelloBuilder.Message(HelloBuilder.Body(HelloBuilder.NameExtension("a.example"), HelloBuilder.Extension(HelloBuilder.Padding)));
        return HelloBuilder.Message(HelloBuilder.Body(HelloBuilder.NameExtension("a.example"), HelloBuilder.Extension(HelloBuilder.Padding, new byte[messageLength - empty.Length])));
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "MProxy.sln")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }
}
