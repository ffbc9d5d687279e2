using System.Text;
using MProxy.Engine.Tests.Lies;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Interop;

/// <summary>The reference's codec beside ours: what either packs the other reads, whatever the frames and however they are cut.</summary>
public sealed class CodecInteropTests(ITestOutputHelper output)
{
    private const int Frames = 100_000;
    private const int InBatch = 1_000;
    private const string Letters = "abcdefghijklmnopqrstuvwxyz0123456789.-_*:\u00fc\u4e16\U0001f600";

    [Fact]
    public async Task A_hundred_thousand_frames_are_packed_to_the_same_bytes_and_read_to_the_same_events()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        await using var codec = NodeProgram.Start("codec.js");
        var (bytes, chunks) = (0L, 0L);
        for (var batch = 0; batch < Frames / InBatch; batch++)
        {
            var frames = Enumerable.Range(0, InBatch).Select(_ => NewFrame(random)).ToArray();
            var ours = Array.ConvertAll(frames, frame => FrameEncoder.Encode(frame.Kind, frame.Meta, frame.Body, frame.IsPadded ? FrameEncoding.LegacyPadding : FrameEncoding.Default));
            var theirs = (await codec.AskAsync(new { pack = frames.Select(ToReference) })).GetProperty("packed").EnumerateArray().Select(one => one.GetBytesFromBase64()).ToArray();
            for (var i = 0; i < InBatch; i++)
            {
                Assert.True(ours[i].AsSpan().SequenceEqual(theirs[i]), $"Seed {seed}, {frames[i]}: {Text(ours[i])}, and the reference packs {Text(theirs[i])}");
            }

            // Each cut in its own way.
            var stream = ours.SelectMany(frame => frame).ToArray();
            var (mine, other) = (Cut(stream, random), Cut(stream, random));
            var events = ReferenceEvent.Read(mine);
            Assert.Equal(InBatch, events.Count);
            Assert.Equal(events, await ReferenceEvent.ReadAsync(codec, other));
            (bytes, chunks) = (bytes + stream.Length, chunks + mine.Length + other.Length);
        }

        output.WriteLine($"seed {seed}: {Frames} frames, {bytes} bytes in {chunks} pieces.");
    }

    /// <summary>
    /// The differences of protocol.md, section 1: what the reference makes of a frame, and what we do, strict and lenient; and whether the next is read. An
    /// error of ours is told by a word of it.
    /// </summary>
    [Theory]
    [InlineData(254, "IPv4,1.2.3.4,5,1,tcp", "a", "message 5 tcp YQ==", "", "")]
    [InlineData(253, "IPv4,1.2.3.4,5,1,tcp", "a", "message 5 tcp YQ==", "!its first byte is 253", "")]
    [InlineData(254, "", "", "message", "!header length is 0", "!header length is 0")]
    [InlineData(254, "IPv4,1.2.3.4,5,abc,tcp", "", "message 5 tcp", "!SIZE", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,,tcp", "", "message 5 tcp", "!SIZE", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,1abc,tcp", "a", "message 5 tcp YQ==", "!SIZE", "")]
    [InlineData(254, "IPv4,1.2.3.4,5, 1,tcp", "a", "message 5 tcp YQ==", "!SIZE", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,+1,tcp", "a", "message 5 tcp YQ==", "!SIZE", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,1.9,tcp", "a", "message 5 tcp YQ==", "!SIZE", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,001,tcp", "a", "message 5 tcp YQ==", "", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,-1,tcp", "", "message 5 tcp", "!SIZE", "!SIZE")]
    [InlineData(254, "IPv4,1.2.3.4,5,0", "", "message 5", "!4 field(s)", "!4 field(s)")]
    [InlineData(254, "IPv4,1.2.3.4,5,0,tcp", "", "message 5 tcp", "", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,0,tcp,80,a.b,c,d,e", "", "message 5 tcp 80 a.b", "", "")]
    [InlineData(254, "tun,1.2.3.4,5,0,tcp,80,a.b,\n", "", "message 5 tcp 80 a.b", "", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,0,connection,80,a.b,tls", "", "connection 5 tls 80 a.b", "", "")]
    [InlineData(254, "IPv4,1.2.3.4,x,0,tcp", "", "message x tcp", "!port", "message tcp")]
    [InlineData(254, "IPv4,1.2.3.4,5,0,tcp,70000", "", "message 5 tcp 70000", "!service port", "message 5 tcp")]
    [InlineData(254, "IPv4,1.2.3.4,5,0,tcp,80,\u00fc", "", "message 5 tcp 80 \ufffd", "!UTF-8", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,1,end", " ", "end 5", "", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,0,END", "", "message 5 END", "", "")]
    [InlineData(254, "IPv4,1.2.3.4,5,4,error", "boom", "error 5 Ym9vbQ== e:{\"type\":\"Buffer\",\"data\":[98,111,111,109]} E_UNKNOWN_ERR", "error 5 Ym9vbQ== boom E_UNKNOWN_ERR", "error 5 Ym9vbQ== boom E_UNKNOWN_ERR")]
    [InlineData(254, "IPv4,1.2.3.4,5,0,error", "", "error 5 e:undefined E_UNKNOWN_ERR", "error 5 E_UNKNOWN_ERR", "error 5 E_UNKNOWN_ERR")]
    public async Task Where_they_part_both_do_as_is_written(byte version, string header, string body, string theirs, string strict, string lenient)
    {
        await using var codec = NodeProgram.Start("codec.js");
        byte[][] chunks =
        [
            [version, (byte)header.Length, .. Encoding.Latin1.GetBytes(header + body)],
            RawFrame.Of("IPv4,1.2.3.4,5,0,end"),
        ];
        var told = (await ReferenceEvent.ReadAsync(codec, chunks)).Select(Short).ToArray();
        Assert.Equal([theirs, "end 5"], told);
        AssertOurs(strict, isLenient: false);
        AssertOurs(lenient, isLenient: true);

        // Nothing said is the same.
        void AssertOurs(string wanted, bool isLenient)
        {
            if (wanted.StartsWith('!'))
            {
                Assert.Contains(wanted[1..], Assert.Throws<ProtocolException>(() => ReferenceEvent.Read(chunks, isLenient)).Message, StringComparison.Ordinal);
            }
            else
            {
                Assert.Equal([wanted.Length == 0 ? theirs : wanted, "end 5"], ReferenceEvent.Read(chunks, isLenient).Select(Short));
            }
        }
    }

    private static string Short(ReferenceEvent happened) => string.Join(
        ' ',
        new[] { happened.Kind, happened.Port, happened.Service, happened.ServicePort, happened.Name, happened.Data, happened.Message, happened.Code }.Where(part => part.Length > 0));

    private static (FrameKind Kind, FrameMeta Meta, byte[] Body, bool IsPadded) NewFrame(Random random)
    {
        var kind = (FrameKind)random.Next(7);
        byte[] body = kind switch
        {
            FrameKind.Error => ErrorBody.Create(Word(random, 30), $"E_{random.Next(100)}"),
            FrameKind.Control => Encoding.UTF8.GetBytes($"[{random.Next()},\"ping\"]"),
            _ => Bytes(random),
        };
        var meta = new FrameMeta
        {
            Family = random.Next(3) switch { 0 => "IPv4", 1 => "IPv6", _ => "tun" },
            Address = Word(random, 39),
            Port = random.Next(65536),
            Service = random.Next(5) == 0 ? null : $"x{Word(random, 12)}",
            ServicePort = random.Next(3) == 0 ? null : random.Next(1, 65536),
            Name = random.Next(3) == 0 ? null : Word(random, 20),
        };
        return (kind, meta, body, random.Next(2) == 0);
    }

    /// <summary>None, a few, or so many that they come in several pieces. A single space is padding, and no body of its own.</summary>
    private static byte[] Bytes(Random random)
    {
        var bytes = new byte[random.Next(4) switch { 0 => 0, 1 => random.Next(3), 2 => random.Next(300), _ => random.Next(3_000) }];
        random.NextBytes(bytes);
        return bytes is [(byte)' '] ? [] : bytes;
    }

    private static string Word(Random random, int longest)
    {
        var runes = Letters.EnumerateRunes().ToArray();
        return string.Concat(Enumerable.Range(0, random.Next(1, longest)).Select(_ => runes[random.Next(10) == 0 ? random.Next(runes.Length) : random.Next(runes.Length - 3)]));
    }

    private static object ToReference((FrameKind Kind, FrameMeta Meta, byte[] Body, bool IsPadded) frame) => new
    {
        meta = new { family = frame.Meta.Family, address = frame.Meta.Address, port = frame.Meta.Port, service = frame.Meta.Service, serviceport = frame.Meta.ServicePort, name = frame.Meta.Name },
        body = Convert.ToBase64String(frame.Body),
        verb = frame.Kind == FrameKind.Message ? null : frame.Kind.ToString().ToLowerInvariant(),
        isWhole = frame.IsPadded,
    };

    private static byte[][] Cut(byte[] bytes, Random random)
    {
        List<byte[]> pieces = [];
        for (var at = 0; at < bytes.Length; at += pieces[^1].Length)
        {
            var longest = random.Next(3) switch { 0 => 4, 1 => 200, _ => 10_000 };
            pieces.Add(bytes[at..Math.Min(bytes.Length, at + random.Next(1, longest))]);
        }

        return [.. pieces];
    }

    private static string Text(byte[] bytes) => Encoding.Latin1.GetString(bytes);
}
