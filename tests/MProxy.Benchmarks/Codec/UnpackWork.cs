using BenchmarkDotNet.Attributes;
using MProxy.Benchmarks.Report;
using MProxy.Protocol;

namespace MProxy.Benchmarks.Codec;

/// <summary>Frames out of bytes: headers and bodies are counted, and bodies copied where the case says so.</summary>
public class UnpackWork : CodecWork
{
    private byte[] _bytes = [];
    private byte[] _body = [];
    private FrameScanner _scanner = new();
    private int _chunkLength;
    private int _filled;
    private long _frames;
    private long _bodyBytes;

    /// <summary>The cases, by the names of their measures.</summary>
    public static IEnumerable<string> Cases => CodecCases.Unpack.Select(one => one.Speed.Name);

    /// <summary>Which of them.</summary>
    [ParamsSource(nameof(Cases))]
    public string Case { get; set; } = "";

    private protected override string Operation => "unpack";

    private protected override CodecCase Work => CodecCases.Find(Case);

    /// <summary>Makes the frames, and checks that all of them are seen.</summary>
    [GlobalSetup(Target = nameof(Ours))]
    public void Prepare()
    {
        _bytes = Work.Pack();
        _body = Work.CopiesBody ? new byte[Work.BodyLength] : [];
        _chunkLength = Work.ChunkLength;
        _scanner = new FrameScanner();
        _frames = _bodyBytes = 0;
        Ours();
        Check(Names.Ours, 1, _frames, _bodyBytes);
    }

    /// <summary>One pass, in chunks.</summary>
    [Benchmark]
    public long Ours()
    {
        for (var start = 0; start < _bytes.Length; start += _chunkLength)
        {
            Take(_bytes.AsSpan(start, Math.Min(_chunkLength, _bytes.Length - start)));
        }

        return _frames;
    }

    private void Take(ReadOnlySpan<byte> chunk)
    {
        while (_scanner.TryRead(ref chunk, out var slice))
        {
            _frames += slice.IsStart ? 1 : 0;
            _bodyBytes += slice.Body.Length;
            if (_body.Length > 0)
            {
                slice.Body.CopyTo(_body.AsSpan(_filled));
                _filled = slice.IsEnd ? 0 : _filled + slice.Body.Length;
            }
        }
    }
}
