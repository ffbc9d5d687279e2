using BenchmarkDotNet.Attributes;
using MProxy.Benchmarks.Peers;

namespace MProxy.Benchmarks.Codec;

/// <summary>The peer's half of a benchmark: the same work, done by its process.</summary>
/// <remarks>Public, and with members of instances, because BenchmarkDotNet derives a class from it.</remarks>
public abstract class CodecWork
{
    private static readonly TimeSpan LongEnough = TimeSpan.FromMilliseconds(80);

    private long _peerPasses;

    /// <summary>The peer of this run; null where it is left out.</summary>
    internal static PackerWorker? Peer { get; set; }

    private protected abstract string Operation { get; }

    private protected abstract CodecCase Work { get; }

    /// <summary>Has the peer prepare, checks that it prepared the same, and finds out how much it does in a while.</summary>
    [GlobalSetup(Target = nameof(ProxyPacker))]
    public void PreparePeer()
    {
        var length = Peer!.Prepare(Work.Command(Operation));
        if (length != Work.Pack().Length)
        {
            throw new InvalidDataException($"{PackerWorker.Name} packs {length} bytes where MProxy packs {Work.Pack().Length}.");
        }

        for (_peerPasses = 1; RunPeer() < LongEnough; _peerPasses *= 2)
        {
        }

        Work.PeerPasses = _peerPasses;
    }

    /// <summary>All of the peer's passes, as one operation.</summary>
    [Benchmark]
    public TimeSpan ProxyPacker() => RunPeer();

    private protected void Check(string who, long passes, long frames, long bodyBytes)
    {
        var expected = passes * Work.FramesPerPass;
        if (frames != expected || bodyBytes != expected * Work.BodyLength)
        {
            throw new InvalidDataException($"{who} saw {frames} frames and {bodyBytes} bytes of bodies where there are {expected} frames of {Work.BodyLength} bytes.");
        }
    }

    private TimeSpan RunPeer()
    {
        var (frames, bodyBytes, time) = Peer!.Run(_peerPasses);
        Check(PackerWorker.Name, _peerPasses, frames, bodyBytes);
        return time;
    }
}
