using System.Text;
using MProxy.Protocol;

namespace MProxy.Fuzz.Targets;

/// <summary>The frame parser: cuts change nothing, lenient reads all that strict does, and what was read packs to what reads the same.</summary>
internal static class FramesTarget
{
    private const int MaxFrameLength = 1 << 16;

    public static void Run(ReadOnlySpan<byte> input)
    {
        var (whole, wholeEnd) = Read(input, lenient: false, cuts: null);
        var (pieces, piecesEnd) = Read(input, lenient: false, FuzzTargets.CutsOf(input));
        FuzzTargets.Require(whole.Select(Text).SequenceEqual(pieces.Select(Text)) && wholeEnd == piecesEnd, "Cuts change what is read.");
        var (lenient, _) = Read(input, lenient: true, cuts: null);
        FuzzTargets.Require(lenient.Count >= whole.Count && lenient.Take(whole.Count).Select(Text).SequenceEqual(whole.Select(Text)), "Lenient reads less than strict.");
        foreach (var frame in whole)
        {
            CheckPacked(frame);
        }
    }

    private static void CheckPacked(Frame frame)
    {
        byte[] packed;
        try
        {
            var meta = new FrameMeta
            {
                Family = frame.Family, Address = frame.Address, Port = frame.Port, Service = frame.Service, ServicePort = frame.ServicePort, Name = frame.Name,
            };
            packed = FrameEncoder.Encode(frame.Kind, meta, frame.Data);
        }
        catch (FrameFieldException)
        {
            // What no header can carry, such as the name of a verb as a service.
            return;
        }

        var (again, end) = Read(packed, lenient: false, cuts: null);
        FuzzTargets.Require(
            again.Count == 1 && end == "end" && Meaning(again[0]) == Meaning(frame),
            $"A frame that was read packs to another: {Text(frame)} to {string.Join(", ", again.Select(Text))}, {end}.");
    }

    private static (List<Frame> Frames, string End) Read(ReadOnlySpan<byte> input, bool lenient, Random? cuts)
    {
        var reader = new FrameReader(lenient, MaxFrameLength);
        List<Frame> frames = [];
        try
        {
            while (!input.IsEmpty)
            {
                var piece = input[..(cuts is null ? input.Length : cuts.Next(1, Math.Min(input.Length, 64) + 1))];
                input = input[piece.Length..];
                while (reader.TryRead(ref piece, out var frame))
                {
                    frames.Add(frame);
                }
            }

            reader.Complete();
            return (frames, "end");
        }
        catch (ProtocolException error)
        {
            return (frames, $"{error.Offset} {error.Message}");
        }
        catch (IncompleteFrameException error)
        {
            return (frames, $"{error.Offset} {error.Message}");
        }
    }

    private static string Text(Frame frame) => $"{frame.Offset} {frame.Kind} {frame.Family},{frame.Address},{frame.Port},{frame.Service},{frame.ServicePort},{frame.Name} {Encoding.Latin1.GetString(frame.Data)}";

    /// <summary>What of a frame is packed: port 0 of a service is none, and control has no client.</summary>
    private static string Meaning(Frame frame)
    {
        var port = frame.ServicePort is 0 ? null : frame.ServicePort;
        var client = frame.Kind == FrameKind.Control ? "" : $"{frame.Family},{frame.Address},{frame.Port},{frame.Service},{port},{frame.Name}";
        return $"{frame.Kind} {client} {Encoding.Latin1.GetString(frame.Data)}";
    }
}
