using MProxy.Engine.Link;

namespace MProxy.Engine.Metrics;

/// <summary>What one relay or tunnel tells of its clients and links. Costs next to nothing while nobody listens, and may be told with any lock held.</summary>
/// <param name="kind">What it is: <c>mproxy.relay.name</c> or <c>mproxy.tunnel.name</c>.</param>
/// <param name="name">Its name in this session.</param>
internal sealed class SessionMeter(string kind, string name)
{
    /// <summary>The first attribute of whatever it tells.</summary>
    public KeyValuePair<string, object?> Owner { get; } = new(kind, name);

    /// <summary>A link has gone up.</summary>
    public void LinkOpened() => EngineMeter.LinkOpened.Add(1, Owner);

    /// <summary>A link that had been up is over.</summary>
    /// <param name="reason">Why; null where it was closed in order. A carrier that breaks has no code of its own.</param>
    public void LinkEnded(Exception? reason)
    {
        var code = reason is null ? null : (reason as LinkException)?.Code ?? ErrorCode.LinkLost;
        EngineMeter.LinkEnded.Add(1, Owner, new(EngineMeter.LinkEnd, MetricWords.End(code, "closed")));
    }

    /// <summary>A peer has answered a question.</summary>
    public void Answered(TimeSpan roundTrip) => EngineMeter.LinkRoundTrip.Record(roundTrip.TotalSeconds, Owner);

    /// <summary>A client is over.</summary>
    /// <param name="service">As its frames call it.</param>
    /// <param name="code">Why it did not end in order; null where it did.</param>
    /// <param name="duration">How long it was there.</param>
    public void ClientEnded(string? service, string? code, TimeSpan duration)
    {
        var tag = Service(service);
        EngineMeter.ClientDuration.Record(duration.TotalSeconds, Owner, tag);

        // Last: who sees the count finds how long it took.
        EngineMeter.ClientEnded.Add(1, Owner, tag, new(EngineMeter.ClientEnd, MetricWords.End(code, "end")));
    }

    /// <summary>The first byte of an answer has come for a client.</summary>
    /// <param name="service">As its frames call it.</param>
    /// <param name="wait">How long after it came.</param>
    public void FirstByte(string? service, TimeSpan wait) => EngineMeter.ClientFirstByte.Record(wait.TotalSeconds, Owner, Service(service));

    /// <summary>A local service was dialled.</summary>
    /// <param name="failure">Why it did not accept; null where it did.</param>
    /// <param name="duration">How long it took to accept, or to fail.</param>
    public void Dialled(Exception? failure, TimeSpan duration) =>
        EngineMeter.Dial.Record(duration.TotalSeconds, Owner, new(EngineMeter.DialOutcome, MetricWords.Outcome(failure)));

    private static KeyValuePair<string, object?> Service(string? service) => new(EngineMeter.ClientService, MetricWords.Service(service));
}
