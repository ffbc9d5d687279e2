using System.Text;
using MProxy.Engine.Routing;
using MProxy.Engine.Tests.Routing;

namespace MProxy.Engine.Tests.Front;

/// <summary>What a client is for, of its first bytes, on each kind of port. However the bytes are cut, it comes to the same.</summary>
public class ClientIntroductionTests
{
    private static readonly Dictionary<string, byte[]> First = new()
    {
        ["hello with a name"] = HelloBuilder.Hello(HelloBuilder.NameExtension("Printer.Example")),
        ["hello without"] = HelloBuilder.Hello(HelloBuilder.Extension(HelloBuilder.Padding, new byte[20])),
        ["hello without extensions"] = HelloBuilder.Hello(null),
        ["hello in small records"] = HelloBuilder.InRecordsOf(7, HelloBuilder.Message(HelloBuilder.Body(HelloBuilder.NameExtension("printer.example")))),
        ["hello with a wrong name"] = HelloBuilder.Hello(HelloBuilder.NameExtension("printer..example")),
        ["hello and more"] = [.. HelloBuilder.Hello(HelloBuilder.NameExtension("printer.example")), .. "GET / HTTP/1.1\r\n\r\n"u8],
        ["request"] = Text("GET /a?b HTTP/1.1\r\nAccept: */*\r\nHost: Printer.Example.:8080\r\n\r\n"),
        ["request and body"] = Text("POST / HTTP/1.1\r\nHost: printer.example\r\nContent-Length: 4\r\n\r\nbody"),
        ["request of two hosts"] = Text("GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n"),
        ["request of no host"] = Text("GET / HTTP/1.1\r\n\r\n"),
        ["request of a wrong host"] = Text("GET / HTTP/1.1\r\nHost: a..example\r\n\r\n"),
        ["request of an empty host"] = Text("GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        ["old request"] = Text("GET / HTTP/1.0\r\n\r\n"),
        ["old request with a host"] = Text("GET / HTTP/1.0\r\nHost: printer.example\r\n\r\n"),
        ["absolute"] = Text("GET http://printer.example:81/x HTTP/1.1\r\nHost: printer.example:81\r\n\r\n"),
        ["absolute of another host"] = Text("GET http://printer.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        ["tunnel"] = Text("CONNECT printer.example:443 HTTP/1.1\r\nHost: printer.example:443\r\n\r\n"),
        ["address"] = Text("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
        ["bare line ends"] = Text("GET / HTTP/1.1\nHost: printer.example\n\n"),
        ["http2"] = Text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0"),
        ["ssh"] = Text("SSH-2.0-OpenSSH_9.2\r\n"),
        ["binary"] = [0, 1, 2, 3, 0xff],
        ["ssl 2"] = [0x80, 0x2e, 1, 0, 2],
    };

    public static TheoryData<string, string, string> Cases()
    {
        const string NeitherOnTls = "refused: it speaks neither TLS nor HTTP | alert 50";
        const string NeitherOnHttp = "refused: it speaks neither TLS nor HTTP | 400";
        const string HttpOnTls = "refused: it speaks HTTP on a port for TLS | 400";
        const string TlsOnHttp = "refused: it speaks TLS on a port for HTTP | alert 40";
        const string BadHello = "refused: its ClientHello is malformed | alert 50";
        const string BadRequest = "refused: its request is malformed | 400";
        const string BadHost = "refused: the host of its request is none | 400";
        const string NoServerName = "https - | no device: 112";
        const string ServerName = "https printer.example | no device: 112";
        const string Host = "http printer.example | no device: 502";
        var data = new TheoryData<string, string, string>();

        // What it speaks, and what comes of it on a port for TLS, for HTTP, and for both.
        (string Words, string Tls, string Http, string Mixed)[] rows =
        [
            ("hello with a name", ServerName, TlsOnHttp, ServerName),
            ("hello without", NoServerName, TlsOnHttp, NoServerName),
            ("hello without extensions", NoServerName, TlsOnHttp, NoServerName),
            ("hello in small records", ServerName, TlsOnHttp, ServerName),
            ("hello with a wrong name", BadHello, TlsOnHttp, BadHello),
            ("hello and more", ServerName, TlsOnHttp, ServerName),
            ("request", HttpOnTls, Host, Host),
            ("request and body", HttpOnTls, Host, Host),
            ("request of two hosts", HttpOnTls, BadRequest, BadRequest),
            ("request of no host", HttpOnTls, BadRequest, BadRequest),
            ("request of a wrong host", HttpOnTls, BadHost, BadHost),
            ("request of an empty host", HttpOnTls, BadRequest, BadRequest),
            ("old request", HttpOnTls, "http - | no device: 502", "http - | no device: 502"),
            ("old request with a host", HttpOnTls, Host, Host),
            ("absolute", HttpOnTls, Host, Host),
            ("absolute of another host", HttpOnTls, BadRequest, BadRequest),
            ("tunnel", HttpOnTls, Host, Host),
            ("address", HttpOnTls, "http ::1 | no device: 502", "http ::1 | no device: 502"),
            ("bare line ends", HttpOnTls, BadRequest, BadRequest),
            ("http2", NeitherOnTls, "http - | no device: 505", "http - | no device: 505"),
            ("ssh", NeitherOnTls, NeitherOnHttp, "tcp - | no device: reset"),
            ("binary", NeitherOnTls, NeitherOnHttp, "tcp - | no device: reset"),
            ("ssl 2", NeitherOnTls, NeitherOnHttp, "tcp - | no device: reset"),
        ];
        foreach (var (words, tls, http, mixed) in rows)
        {
            data.Add("Tls", words, tls);
            data.Add("Http", words, http);
            data.Add("Mixed", words, mixed);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void First_bytes_say_what_a_client_is_for(string port, string words, string expected)
    {
        var kind = Enum.Parse<ClientPortKind>(port);
        var data = First[words];
        Assert.Equal(expected, Read(kind, data, [data.Length]));
        for (var cut = 1; cut < data.Length; cut++)
        {
            Assert.Equal(expected, Read(kind, data, [cut, data.Length]));
        }

        Assert.Equal(expected, Read(kind, data, Enumerable.Range(1, data.Length)));
    }

    [Fact]
    public void All_words_of_the_table_are_used() => Assert.Equal(First.Keys.Order(), Cases().Select(row => row.Data.Item2).Distinct().Order());

    [Theory]
    [InlineData("Tls")]
    [InlineData("Http")]
    [InlineData("Mixed")]
    public void No_bytes_say_nothing(string port) => Assert.False(new ClientIntroduction(Enum.Parse<ClientPortKind>(port)).Read(default));

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nX: ", "its request is malformed")]
    [InlineData("\x16\x03\x01\x40\0\x01\0\x3f\xff\x03\x03", "its ClientHello is malformed")]
    public void The_most_bytes_always_decide(string start, string reason)
    {
        var introduction = new ClientIntroduction(ClientPortKind.Mixed);
        byte[] data = [.. Text(start), .. Enumerable.Repeat((byte)'a', ClientIntroduction.MaxLength)];
        Assert.True(introduction.Read(data.AsSpan(0, ClientIntroduction.MaxLength)));
        Assert.Equal(reason, introduction.Refusal?.Reason);
    }

    [Theory]
    [InlineData("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true)]
    [InlineData("HEAD / HTTP/1.1\r\nHost: a..b\r\n\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", true)]
    public void An_answer_to_HEAD_has_no_body(string words, bool hasBody)
    {
        var introduction = new ClientIntroduction(ClientPortKind.Http);
        Assert.True(introduction.Read(Text(words)));
        var answer = Encoding.ASCII.GetString((introduction.Refusal ?? introduction.NoDevice).Answer.Span);
        Assert.Equal(hasBody, !answer.EndsWith("\r\n\r\n", StringComparison.Ordinal));
        Assert.DoesNotContain("Content-Length: 0", answer, StringComparison.Ordinal);
    }

    /// <summary>Shows these lengths of the data, one after the other, until it is decided; all others after that change nothing.</summary>
    private static string Read(ClientPortKind port, byte[] data, IEnumerable<int> lengths)
    {
        var introduction = new ClientIntroduction(port);
        foreach (var length in lengths)
        {
            if (introduction.Read(data.AsSpan(0, length)))
            {
                return Describe(introduction);
            }

            Assert.Equal(("", null, null, false), (introduction.Service, introduction.Name, introduction.Refusal, introduction.IsHttp2));
        }

        return "undecided";
    }

    private static string Describe(ClientIntroduction introduction)
    {
        if (introduction.Refusal is { } refusal)
        {
            return $"refused: {refusal.Reason} | {Answer(refusal)}";
        }

        Assert.Equal(introduction is { Service: "http", IsHttp2: false }, introduction.Request is not null);
        return $"{introduction.Service} {introduction.Name ?? "-"} | no device: {Answer(introduction.NoDevice).Replace("alert ", "", StringComparison.Ordinal)}";
    }

    private static string Answer(ClientRefusal refusal) => refusal.Answer.Span switch
    {
        [] => "reset",
        [0x15, 3, 1, 0, 2, 2, var alert] => $"alert {alert}",
        var answer => Encoding.ASCII.GetString(answer).Split(' ')[1],
    };

    private static byte[] Text(string text) => Encoding.Latin1.GetBytes(text);
}
