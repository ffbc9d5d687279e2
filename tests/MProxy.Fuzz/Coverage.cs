using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Trace = SharpFuzz.Common.Trace;

namespace MProxy.Fuzz;

/// <summary>Which edges of the instrumented code were taken, and about how often, as AFL counts them.</summary>
internal sealed unsafe class Coverage
{
    private const int Length = 1 << 16;
    private const int Block = 64;

    private readonly byte* _map = (byte*)NativeMemory.AlignedAlloc(Length, Block);
    private readonly byte[] _seen = new byte[Length];

    /// <summary>Makes the instrumented code write here. Before any of it runs.</summary>
    public Coverage()
    {
        NativeMemory.Clear(_map, Length);
        Trace.SharedMem = _map;
    }

    /// <summary>How many edges were taken so far.</summary>
    public int EdgeCount => _seen.Count(bits => bits != 0);

    /// <summary>An execution begins.</summary>
    public static void Begin() => Trace.PrevLocation = 0;

    /// <summary>Forgets what ran since the last look: what happens once alone, such as static constructors.</summary>
    public void Drop() => NativeMemory.Clear(_map, Length);

    /// <summary>The edges of the execution that has just ended. Forgets it.</summary>
    public HashSet<int> Take()
    {
        HashSet<int> edges = [];
        for (var i = 0; i < Length; i++)
        {
            if (_map[i] != 0)
            {
                edges.Add(i);
            }
        }

        Drop();
        return edges;
    }

    /// <summary>Whether the execution that has just ended did something for the first time. Forgets it.</summary>
    public bool Harvest()
    {
        var isNew = false;
        for (var at = 0; at < Length; at += Block)
        {
            var (first, second) = (Vector256.Load(_map + at), Vector256.Load(_map + at + (Block / 2)));
            if (Vector256.EqualsAll(first | second, Vector256<byte>.Zero))
            {
                continue;
            }

            for (var i = at; i < at + Block; i++)
            {
                if (_map[i] != 0 && (_seen[i] & Bucket(_map[i])) == 0)
                {
                    _seen[i] |= Bucket(_map[i]);
                    isNew = true;
                }
            }

            Vector256<byte>.Zero.Store(_map + at);
            Vector256<byte>.Zero.Store(_map + at + (Block / 2));
        }

        return isNew;
    }

    /// <summary>1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more.</summary>
    private static byte Bucket(byte count) => count switch
    {
        < 4 => (byte)(1 << (count - 1)),
        < 128 => (byte)(1 << (BitOperations.Log2(count) switch { 2 => 3, 3 => 4, 4 => 5, _ => 6 })),
        _ => 128,
    };
}
