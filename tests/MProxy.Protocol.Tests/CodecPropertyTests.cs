using CsCheck;

namespace MProxy.Protocol.Tests;

public class CodecPropertyTests
{
    private static readonly Gen<string> Word = Gen.String[Gen.Char["abcdefgh0123456789.-_*ü世"], 1, 20];

    private static readonly Gen<FrameMeta> Meta =
        from family in Gen.OneOf(Gen.Const("IPv4"), Gen.Const("IPv6"), Gen.Const("tun"))
        from address in Gen.String[Gen.Char["0123456789abcdef.:"], 1, 39]
        from port in Gen.Int[0, 65535]
        from service in Word
        from servicePort in Gen.Int[1, 65535]
        from name in Word
        from has in Gen.Int[0, 7]
        select new FrameMeta
        {
            Family = family,
            Address = address,
            Port = port,
            Service = (has & 1) == 0 || Verb.IsVerb(service) ? null : service,
            ServicePort = (has & 2) == 0 ? null : servicePort,
            Name = (has & 4) == 0 ? null : name,
        };

    private static readonly Gen<(FrameKind Kind, FrameMeta Meta, byte[] Body)> Frames =
        Gen.Select(Gen.Enum<FrameKind>(), Meta, Gen.Byte.Array[0, 400]).Where(frame => frame.Item3 is not [(byte)' ']);

    [Fact]
    public void Pack_then_unpack_is_identity_under_any_chunking() =>
        Gen.Select(Frames.Array[1, 8], Gen.Int[1, 300].Array[1, 20]).Sample((frames, cuts) =>
        {
            var bytes = frames.SelectMany(frame => FrameEncoder.Encode(frame.Kind, frame.Meta, frame.Body)).ToArray();
            var recorder = new Recorder();
            for (int at = 0, i = 0; at < bytes.Length; i++)
            {
                var length = Math.Min(cuts[i % cuts.Length], bytes.Length - at);
                recorder.Feed(bytes.AsSpan(at, length));
                at += length;
            }

            recorder.Complete();
            Assert.Equal(frames.Length, recorder.Frames.Count);
            foreach (var (sent, (frame, _)) in frames.Zip(recorder.Frames))
            {
                Assert.Equal(sent.Kind, frame.Kind);
                Assert.Equal(sent.Body, frame.Data);
                if (sent.Kind == FrameKind.Control)
                {
                    continue;
                }

                Assert.Equal((sent.Meta.Family, sent.Meta.Address, sent.Meta.Port), (frame.Family, frame.Address, frame.Port));
                Assert.Equal((sent.Meta.ServicePort, sent.Meta.Name ?? ""), (frame.ServicePort, frame.Name));
                if (sent.Kind is FrameKind.Message or FrameKind.Connection)
                {
                    Assert.Equal(sent.Meta.Service ?? "", frame.Service);
                }
            }
        }, iter: 2000);

    [Fact]
    public void Any_byte_soup_ends_in_frames_then_one_error_or_none() =>
        Gen.Select(Soup, Gen.Int[1, 64], Gen.Bool).Sample((soup, step, lenient) =>
        {
            var whole = Outcome(soup, soup.Length, lenient);
            Assert.Equal(whole, Outcome(soup, step, lenient));
            Assert.Equal(whole, Outcome(soup, 1, lenient));
        }, iter: 5000);

    [Fact]
    public void A_declared_size_is_never_allocated()
    {
        var header = "IPv4,1.2.3.4,5,67108864,tcp"u8;
        byte[] start = [254, (byte)header.Length, .. header, 1, 2, 3];
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            ReadOnlySpan<byte> input = start;
            Assert.False(new FrameReader().TryRead(ref input, out _));
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 32 * 1024);
    }

    [Fact]
    public void The_slice_level_allocates_nothing_per_frame()
    {
        var meta = new FrameMeta { Family = "IPv4", Address = "203.0.113.9", Port = 54321, Service = "https", ServicePort = 443, Name = "example.com" };
        byte[] bytes = [.. Enumerable.Repeat(FrameEncoder.Encode(FrameKind.Message, meta, new byte[64]), 1000).SelectMany(frame => frame)];
        var scanner = new FrameScanner();
        Assert.Equal(1000, Count(scanner, bytes));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var at = 0; at < bytes.Length; at += 977)
        {
            Count(scanner, bytes.AsSpan(at, Math.Min(977, bytes.Length - at)));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static readonly Gen<byte[]> Soup = Gen.OneOf(
        Gen.Byte.Array[0, 200],
        Gen.Select(Frames.Array[1, 4], Gen.Int[0, 500], Gen.Byte, (frames, at, value) =>
        {
            var bytes = frames.SelectMany(frame => FrameEncoder.Encode(frame.Kind, frame.Meta, frame.Body)).ToArray();
            bytes[at % bytes.Length] = value;
            return bytes;
        }));

    private static int Count(FrameScanner scanner, ReadOnlySpan<byte> input)
    {
        var frames = 0;
        while (scanner.TryRead(ref input, out var slice))
        {
            frames += slice.IsEnd ? 1 : 0;
        }

        return frames;
    }

    private static string Outcome(byte[] bytes, int step, bool lenient)
    {
        var recorder = new Recorder(lenient);
        try
        {
            for (var at = 0; at < bytes.Length; at += step)
            {
                recorder.Feed(bytes.AsSpan(at, Math.Min(step, bytes.Length - at)));
            }

            recorder.Complete();
            return $"{recorder.Frames.Count} frames";
        }
        catch (ProtocolException error)
        {
            Assert.InRange(error.Offset, 0, bytes.Length - 1);
            return $"{recorder.Frames.Count} frames, then {error.Message}";
        }
        catch (IncompleteFrameException error)
        {
            Assert.InRange(error.Offset, 0, bytes.Length - 1);
            Assert.True(error.MissingByteCount > 0);
            return $"{recorder.Frames.Count} frames, then {error.Message}";
        }
    }
}
