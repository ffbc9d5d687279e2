using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;
using MProxy.Protocol;

namespace MProxy.Benchmarks.Codec;

/// <summary>One kind of work for a codec.</summary>
/// <param name="name">As the report calls it.</param>
/// <param name="share">How much faster than proxy-packer ours has to be.</param>
/// <param name="bodyLength">Of each frame, in bytes.</param>
internal sealed class CodecCase(string name, double share, int bodyLength)
{
    /// <summary>Frames are read and written over a piece of memory of this length, in bytes, which stays in the processor's caches.</summary>
    private const int PassLength = 1 << 20;

    /// <summary>What every frame says: a client of an https service, with every field that it may have.</summary>
    public static readonly FrameMeta Meta = new()
    {
        Family = "IPv4",
        Address = "127.0.1.1",
        Port = 4321,
        Service = "https",
        ServicePort = 443,
        Name = "example.com",
    };

    public int BodyLength => bodyLength;

    /// <summary>In what pieces the frames come, in bytes.</summary>
    public int ChunkLength { get; init; } = 64 << 10;

    /// <summary>Bodies are copied out of what was read.</summary>
    public bool CopiesBody { get; init; }

    public Measure Speed { get; } = new(name, "frames/s", Better.Higher, IsCharted: true);

    public Target Target => new(Speed, Names.Ours, PackerWorker.Name, share);

    /// <summary>How many frames one pass of the work has.</summary>
    public int FramesPerPass { get; } = Math.Max(1, PassLength / FrameLength(bodyLength));

    /// <summary>How many passes the peer makes at a time, so that telling it costs nothing beside them.</summary>
    public long PeerPasses { get; set; } = 1;

    /// <summary>What the peer has to prepare.</summary>
    public object Command(string operation) => new
    {
        op = operation,
        meta = new { family = Meta.Family, address = Meta.Address, port = Meta.Port, service = Meta.Service, serviceport = Meta.ServicePort, name = Meta.Name },
        body = bodyLength,
        chunk = ChunkLength,
        count = FramesPerPass,
        copy = CopiesBody,
    };

    /// <summary>The frames of one pass.</summary>
    public byte[] Pack() => Frames(bodyLength, FramesPerPass);

    /// <summary>So many frames of one client, one behind the other.</summary>
    public static byte[] Frames(int bodyLength, int count)
    {
        var length = FrameLength(bodyLength);
        var bytes = new byte[count * length];
        var header = new HeaderTemplate(FrameKind.Message, Meta);
        for (var end = length; end <= bytes.Length; end += length)
        {
            bytes.AsSpan(end - bodyLength, bodyLength).Fill((byte)'x');
            header.WriteBefore(bytes.AsSpan(0, end - bodyLength), bodyLength);
        }

        return bytes;
    }

    /// <summary>The length of such a frame, header and all.</summary>
    public static int FrameLength(int bodyLength) => new HeaderTemplate(FrameKind.Message, Meta).Measure(bodyLength) + bodyLength;
}
