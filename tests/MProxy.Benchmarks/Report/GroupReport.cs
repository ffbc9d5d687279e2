namespace MProxy.Benchmarks.Report;

/// <summary>What was measured in one group of benchmarks.</summary>
/// <param name="name">The group.</param>
/// <param name="targets">What its figures have to reach.</param>
internal sealed class GroupReport(string name, IReadOnlyList<Target> targets)
{
    private readonly List<Measure> _measures = [];
    private readonly List<string> _peers = [];
    private readonly Dictionary<(Measure, string), Samples> _samples = [];
    private readonly List<string> _notes = [];

    public string Name => name;

    public IReadOnlyList<Target> Targets => targets;

    /// <summary>In the order in which they were measured first.</summary>
    public IReadOnlyList<Measure> Measures => _measures;

    /// <summary>In the order in which they were measured first.</summary>
    public IReadOnlyList<string> Peers => _peers;

    /// <summary>What was left out, and what a reader has to know.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Adds a figure of one round.</summary>
    public void Add(Measure measure, string peer, double value)
    {
        if (!_measures.Contains(measure))
        {
            _measures.Add(measure);
        }

        if (!_peers.Contains(peer))
        {
            _peers.Add(peer);
        }

        if (!_samples.TryGetValue((measure, peer), out var samples))
        {
            _samples[(measure, peer)] = samples = new Samples();
        }

        samples.Add(value);
    }

    /// <summary>Adds a line that stands below the table; again is harmless.</summary>
    public void Note(string line)
    {
        if (!_notes.Contains(line))
        {
            _notes.Add(line);
        }
    }

    public Samples? Find(Measure measure, string peer) => _samples.GetValueOrDefault((measure, peer));

    /// <summary>What a target asks for, as it was measured; null where one of the two figures is missing.</summary>
    public double? Reached(Target target)
    {
        var subject = Find(target.Measure, target.Subject)?.Median;
        var peer = target.Peer is null ? 1 : Find(target.Measure, target.Peer)?.Median;
        return subject / peer;
    }
}
