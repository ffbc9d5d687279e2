using System.Net;

namespace MProxy.Engine.Packets;

/// <summary>Finds the links in a capture of packets, over tcp and ws, and reads their frames, both ways, in the order in which they were complete.</summary>
public sealed class PacketLinkReader(PacketLinkOptions options)
{
    private readonly Dictionary<(IPEndPoint Source, IPEndPoint Destination), LinkWay> _ways = [];
    private readonly Queue<string> _problems = [];
    private readonly Dictionary<string, int> _others = [];

    /// <summary>What else there was, and how many ways of connections each.</summary>
    public IReadOnlyDictionary<string, int> Others => _others;

    /// <summary>What a link could not be read any further for, the next that was not taken; null where there is none.</summary>
    public string? TakeProblem() => _problems.TryDequeue(out var problem) ? problem : null;

    /// <summary>All frames.</summary>
    /// <param name="stream">A file in pcap or pcapng, which is read as far as frames are asked for.</param>
    /// <param name="packetRead">Called behind each packet, whether it brings a frame or not.</param>
    /// <exception cref="PacketFileException">It is no such file, or is damaged; what came before was given.</exception>
    public IEnumerable<PacketFrame> Read(Stream stream, Action? packetRead = null)
    {
        List<Frame> frames = [];
        try
        {
            foreach (var packet in new PacketFile(stream).Read())
            {
                packetRead?.Invoke();
                if (TcpSegment.Of(packet) is not { } segment || !IsWanted(segment))
                {
                    continue;
                }

                frames.Clear();
                Take(segment, frames);
                foreach (var frame in frames)
                {
                    yield return new PacketFrame(frame, packet.Time, segment.Source, segment.Destination);
                }
            }
        }
        finally
        {
            // Also of a file that is damaged.
            foreach (var (ends, way) in _ways)
            {
                Finish(ends, way);
            }

            _ways.Clear();
        }
    }

    private bool IsWanted(in TcpSegment segment) => options.Ports.Count == 0 || options.Ports.Contains(segment.Source.Port) || options.Ports.Contains(segment.Destination.Port);

    private void Take(in TcpSegment segment, List<Frame> frames)
    {
        var ends = (segment.Source, segment.Destination);
        if (_ways.TryGetValue(ends, out var way) && way.IsAnother(segment))
        {
            Finish(ends, way);
            way = null;
        }

        if (segment.IsReset)
        {
            // It is over both ways, and its ends may be another's next.
            Remove(ends);
            Remove((segment.Destination, segment.Source));
            return;
        }

        way ??= _ways[ends] = new LinkWay(options);
        if (way.Take(segment, frames) is { } problem)
        {
            _problems.Enqueue($"{segment.Source} to {segment.Destination}: {problem}");
        }
    }

    private void Remove((IPEndPoint Source, IPEndPoint Destination) ends)
    {
        if (_ways.Remove(ends, out var way))
        {
            Finish(ends, way);
        }
    }

    private void Finish((IPEndPoint Source, IPEndPoint Destination) ends, LinkWay way)
    {
        if (way.Finish() is { } problem)
        {
            _problems.Enqueue($"{ends.Source} to {ends.Destination}: {problem}");
        }

        if (way.Other is { } other)
        {
            _others[other] = _others.GetValueOrDefault(other) + 1;
        }
    }
}
