using MProxy.Protocol;

namespace MProxy.Engine.Tests.Simulation;

/// <summary>
/// One client and its service, at both ends of a link: what each has said so far, and how it is to end. Every byte is known by its place, so that one
/// which is lost, doubled, or another client's shows at once.
/// </summary>
internal sealed class Conversation(int number, FrameMeta meta, Random random)
{
    public FrameMeta Meta => meta;

    /// <summary>What the client is going to say, and what the service is, in bytes.</summary>
    public int[] Length { get; } = [Size(random), Size(random)];

    /// <summary>How each end takes what comes.</summary>
    public Appetite[] Appetites { get; } = [(Appetite)random.Next(3), (Appetite)random.Next(3)];

    public int[] Sent { get; } = new int[2];

    public int[] Received { get; } = new int[2];

    public bool[] EndSent { get; } = new bool[2];

    public bool[] EndReceived { get; } = new bool[2];

    /// <summary>An end failed it, or the link was lost: less than everything may have come.</summary>
    public string? Failure { get; set; }

    /// <summary>How many of its ends are still open.</summary>
    public int OpenEnds { get; set; }

    /// <summary>What an end is to say next.</summary>
    public void Write(int end, Span<byte> target)
    {
        for (var i = 0; i < target.Length; i++)
        {
            target[i] = ByteAt(end, Sent[end] + i);
        }
    }

    /// <summary>What came at an end is what the other said there.</summary>
    public void Read(int end, ReadOnlySpan<byte> data)
    {
        var other = 1 - end;
        for (var i = 0; i < data.Length; i++)
        {
            if (data[i] != ByteAt(other, Received[end] + i))
            {
                throw new SimulationException($"{this}: byte {Received[end] + i} that came at end {end} is not what end {other} said.");
            }
        }

        Received[end] += data.Length;
        if (Received[end] > Sent[other])
        {
            throw new SimulationException($"{this}: end {end} has got {Received[end]} bytes, and {Sent[other]} were sent.");
        }
    }

    /// <summary>Nothing is lost that was to come.</summary>
    public void CheckOver()
    {
        if (OpenEnds > 0)
        {
            throw new SimulationException($"{this}: nothing moves any more, and {OpenEnds} of its ends still wait.");
        }

        for (var end = 0; end < 2 && Failure is null; end++)
        {
            if (!EndReceived[end] || Received[end] != Length[1 - end])
            {
                throw new SimulationException($"{this}: end {end} is over with {Received[end]} of {Length[1 - end]} bytes.");
            }
        }
    }

    public override string ToString() => $"conversation {number} ({meta.Address},{meta.Port}){(Failure is null ? "" : $", failed: {Failure}")}";

    private byte ByteAt(int end, int position) => (byte)((((uint)position + ((uint)number << 17)) * 2654435761u * (uint)(1 + (2 * end))) >> 24);

    private static int Size(Random random) => random.Next(4) switch
    {
        0 => 0,
        1 => random.Next(20),
        2 => random.Next(400),
        _ => random.Next(4000),
    };
}
