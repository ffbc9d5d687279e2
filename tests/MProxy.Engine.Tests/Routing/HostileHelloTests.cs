using MProxy.Engine.Routing;

namespace MProxy.Engine.Tests.Routing;

/// <summary>Hellos that two readers could take in two ways, and those that are none.</summary>
public class HostileHelloTests
{
    private static readonly byte[] Body = HelloBuilder.Body(HelloBuilder.NameExtension("a.example"));

    public static TheoryData<string, byte[]> Wrong => new()
    {
        { "no TLS", "GET / HTTP/1.1"u8.ToArray() },
        { "an SSL 2.0 hello", [0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10] },
        { "an alert", HelloBuilder.Record([2, 40], type: 21) },
        { "a change of cipher", HelloBuilder.Record([1], type: 20) },
        { "data", HelloBuilder.Record(HelloBuilder.Message(Body), type: 23) },
        { "an alert in between", [.. HelloBuilder.Record(HelloBuilder.Message(Body)[..20]), .. HelloBuilder.Record([1, 0], type: 21)] },
        { "a change of cipher in between", [.. HelloBuilder.Record(HelloBuilder.Message(Body)[..20]), .. HelloBuilder.Record([1], type: 20)] },
        { "an empty record", HelloBuilder.Record([]) },
        { "an empty record in between", [.. HelloBuilder.Record(HelloBuilder.Message(Body)[..20]), .. HelloBuilder.Record([])] },
        { "a record that is too long", [22, 3, 1, 0x40, 1] },
        { "another version of records", [22, 2, 0] },
        { "another message", HelloBuilder.Record(HelloBuilder.Message(Body, type: 2)) },
        { "a message behind it in its record", HelloBuilder.Record([.. HelloBuilder.Message(Body), 1]) },
        { "two messages in a record", HelloBuilder.Record([.. HelloBuilder.Message(Body), .. HelloBuilder.Message(Body)]) },
        { "a message that is too long", HelloBuilder.Record([1, 1, 0, 0]) },
        { "an empty body", HelloBuilder.Record(HelloBuilder.Message([])) },
        { "another version", Changed(0, 2) },
        { "a session id of 33 bytes", HelloBuilder.Record(HelloBuilder.Message([3, 3, .. new byte[32], 33, .. new byte[33], 0, 2, 0x13, 1, 1, 0])) },
        { "no cipher suites", HelloBuilder.Record(HelloBuilder.Message([3, 3, .. new byte[32], 0, 0, 0, 1, 0])) },
        { "half a cipher suite", HelloBuilder.Record(HelloBuilder.Message([3, 3, .. new byte[32], 0, 0, 3, 0x13, 1, 0, 1, 0])) },
        { "no compression methods", HelloBuilder.Record(HelloBuilder.Message([3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 0])) },
        { "a byte behind the extensions", HelloBuilder.Record(HelloBuilder.Message([.. Body, 0])) },
        { "half a length of extensions", HelloBuilder.Record(HelloBuilder.Message([.. HelloBuilder.Body(null), 0])) },
        { "half an extension", HelloBuilder.Hello(HelloBuilder.NameExtension("a.example"), [0, 16, 0]) },
        { "an extension past its end", HelloBuilder.Hello([0, 16, 0, 9, 1]) },
        { "the name twice", HelloBuilder.Hello(HelloBuilder.NameExtension("a.example"), HelloBuilder.NameExtension("b.example")) },
        { "the same name twice", HelloBuilder.Hello(HelloBuilder.NameExtension("a.example"), HelloBuilder.NameExtension("a.example")) },
        { "another extension twice", HelloBuilder.Hello(HelloBuilder.Extension(HelloBuilder.Grease), HelloBuilder.NameExtension("a.example"), HelloBuilder.Extension(HelloBuilder.Grease)) },
        { "two names in one", HelloBuilder.Hello(Names([.. HelloBuilder.HostEntry("a.example"), .. HelloBuilder.HostEntry("b.example")])) },
        { "a name of another type", HelloBuilder.Hello(Names(HelloBuilder.HostEntry("a.example", type: 1))) },
        { "a name of another type behind it", HelloBuilder.Hello(Names([.. HelloBuilder.HostEntry("a.example"), .. HelloBuilder.HostEntry("b", type: 1)])) },
        { "no name in the extension", HelloBuilder.Hello(HelloBuilder.Extension(0)) },
        { "an empty list of names", HelloBuilder.Hello(Names([])) },
        { "a byte behind the name", HelloBuilder.Hello(Names([.. HelloBuilder.HostEntry("a.example"), 0])) },
        { "a byte behind the names", HelloBuilder.Hello(HelloBuilder.Extension(0, [.. HelloBuilder.Block16(HelloBuilder.HostEntry("a.example")), 0])) },
        { "names past their end", HelloBuilder.Hello(HelloBuilder.Extension(0, 0, 200, 0, 0, 1, (byte)'a')) },
        { "a name past its end", HelloBuilder.Hello(Names([0, 0, 200, (byte)'a'])) },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_wrong_is_malformed_at_whichever_byte_it_is_told(string what, byte[] data)
    {
        Assert.Equal((ClientHelloStatus.Malformed, null), new ClientHello().Read(data));
        var reader = new ClientHello();
        var statuses = Enumerable.Range(0, data.Length + 1).Select(count => reader.Read(data.AsSpan(0, count)).Status).ToArray();
        Assert.True(statuses.Distinct().SequenceEqual([ClientHelloStatus.Incomplete, ClientHelloStatus.Malformed]), what);
        Assert.Null(ClientHello.FindServerName(data));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0.example")]
    [InlineData("a.example\0")]
    [InlineData("a,b.example")]
    [InlineData("a.example\r\n")]
    [InlineData("a b.example")]
    [InlineData("b\xfc" + "cher.example")]
    [InlineData("a..example")]
    [InlineData("*.example")]
    [InlineData("a.example:443")]
    [InlineData("fe80::1%1")]
    public void A_name_that_is_none_makes_a_hello_malformed(string name) =>
        Assert.Equal((ClientHelloStatus.Malformed, null), new ClientHello().Read(HelloBuilder.Hello(HelloBuilder.NameExtension(name))));

    [Fact]
    public void Every_length_that_lies_is_noticed()
    {
        // Session id, cipher suites, compression methods, extensions, extension, list, name: one more or less of each fits nothing else.
        byte[] lengths = [34, 36, 41, 44, 48, 50, 53];
        foreach (var at in lengths)
        {
            foreach (var change in new[] { -1, 1, 100 })
            {
                Assert.Equal((at, (ClientHelloStatus.Malformed, null)), (at, new ClientHello().Read(Changed(at, (byte)(Body[at] + change)))));
            }
        }

        Assert.Equal((ClientHelloStatus.Complete, "a.example"), new ClientHello().Read(Changed(lengths[0], Body[lengths[0]])));
    }

    [Fact]
    public void Whatever_the_bytes_are_nothing_is_thrown_and_pieces_say_the_same_as_the_whole()
    {
        var random = new Random(4711);
        var seen = new int[3];
        for (var round = 0; round < 20_000; round++)
        {
            var message = HelloBuilder.Message(HelloBuilder.Body(HelloBuilder.Extension(HelloBuilder.Grease), HelloBuilder.NameExtension("a.example"), HelloBuilder.Extension(16, 1, 2)));
            var data = HelloBuilder.InRecordsOf(random.Next(1, message.Length + 1), message);
            for (var change = random.Next(3); change > 0; change--)
            {
                data[random.Next(data.Length)] = (byte)(random.Next(2) == 0 ? random.Next(4) : random.Next(256));
            }

            data = data[..random.Next(data.Length / 2, data.Length + 1)];
            var whole = new ClientHello().Read(data);
            Assert.True(whole.Status == ClientHelloStatus.Complete || whole.Name is null);
            seen[(int)whole.Status]++;
            var reader = new ClientHello();
            var last = reader.Read([]);
            for (var count = random.Next(8); count < data.Length; count += random.Next(1, 40))
            {
                var next = reader.Read(data.AsSpan(0, count));
                Assert.True(last.Status == ClientHelloStatus.Incomplete || next == last);
                last = next;
            }

            Assert.Equal(whole, reader.Read(data));
        }

        Assert.All(seen, count => Assert.InRange(count, 100, 19_000));
    }

    private static byte[] Names(byte[] list) => HelloBuilder.Extension(0, HelloBuilder.Block16(list));

    private static byte[] Changed(int at, byte value)
    {
        byte[] body = [.. Body];
        body[at] = value;
        return HelloBuilder.Record(HelloBuilder.Message(body));
    }
}
