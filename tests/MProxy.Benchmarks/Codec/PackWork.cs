using BenchmarkDotNet.Attributes;
using MProxy.Benchmarks.Report;
using MProxy.Protocol;

namespace MProxy.Benchmarks.Codec;

/// <summary>Frames into bytes: header and body one behind the other, ready to be sent.</summary>
public class PackWork : CodecWork
{
    private readonly HeaderTemplate _header = new(FrameKind.Message, CodecCase.Meta);
    private byte[] _body = [];
    private byte[] _buffer = [];
    private int _count;

    /// <summary>The cases, by the names of their measures.</summary>
    public static IEnumerable<string> Cases => CodecCases.Pack.Select(one => one.Speed.Name);

    /// <summary>Which of them.</summary>
    [ParamsSource(nameof(Cases))]
    public string Case { get; set; } = "";

    private protected override string Operation => "pack";

    private protected override CodecCase Work => CodecCases.Find(Case);

    /// <summary>Makes a body and the room for a frame, and checks that what is packed there is right.</summary>
    [GlobalSetup(Target = nameof(Ours))]
    public void Prepare()
    {
        _body = new byte[Work.BodyLength];
        _body.AsSpan().Fill((byte)'x');
        _buffer = new byte[WireFormat.MaxHeaderRoom + _body.Length];
        _count = Work.FramesPerPass;
        var length = Ours() / _count;
        if (!_buffer.AsSpan(WireFormat.MaxHeaderRoom + _body.Length - (int)length).SequenceEqual(Work.Pack().AsSpan(0, (int)length)))
        {
            throw new InvalidDataException($"{Names.Ours} packs other bytes than it should.");
        }
    }

    /// <summary>One pass, each frame into the same buffer.</summary>
    [Benchmark]
    public long Ours()
    {
        var bytes = 0L;
        for (var i = 0; i < _count; i++)
        {
            bytes += _header.WriteBefore(_buffer.AsSpan(0, WireFormat.MaxHeaderRoom), _body.Length) + _body.Length;
            _body.CopyTo(_buffer.AsSpan(WireFormat.MaxHeaderRoom));
        }

        return bytes;
    }
}
