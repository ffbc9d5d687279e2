using MProxy.Engine.Metrics;

namespace MProxy.Engine.Tests.Metrics;

/// <summary>A relay that is none: its numbers are the test's. Its name is its own, since the meter is one for all tests.</summary>
internal sealed class CountedSource : IMeterSource, IDisposable
{
    private static int _last;

    public CountedSource()
    {
        Name = $"counted{Interlocked.Increment(ref _last)}";
        EngineMeter.Add(this);
    }

    public string Name { get; }

    public KeyValuePair<string, object?> Owner => new(EngineMeter.RelayName, Name);

    public int Links { get; init; } = 2;

    public int Clients { get; set; } = 3;

    public (long Received, long Sent) LinkBytes { get; init; } = (1000, 2000);

    public (long Received, long Sent) ClientBytes { get; init; } = (100, 200);

    public (long Received, long Sent) Pauses { get; init; } = (4, 5);

    public IReadOnlyDictionary<string, long> Refused { get; init; } = new Dictionary<string, long> { ["no device serves its port"] = 6 };

    public IReadOnlyDictionary<string, long> LinksRefused { get; init; } = new Dictionary<string, long> { ["its handshake failed"] = 12 };

    public IReadOnlyDictionary<string, long> Limited { get; init; } = new Dictionary<string, long> { ["client idle"] = 7 };

    public IReadOnlyDictionary<string, long> DatagramsDropped { get; init; } = new Dictionary<string, long> { ["it is too large"] = 8 };

    public IReadOnlyDictionary<string, long> FleetRelays { get; init; } = new Dictionary<string, long> { ["Up"] = 13, ["Lost"] = 0 };

    public (int Links, int Clients)? Peers { get; init; } = (14, 15);

    public long? LogLinesDropped { get; init; } = 9;

    public SessionMeter Meter => new(EngineMeter.RelayName, Name);

    public void Dispose() => EngineMeter.Remove(this);
}
