using System.Diagnostics.Metrics;

namespace MProxy.Engine.Metrics;

/// <summary>What one relay or tunnel tells of its clients and links. Costs next to nothing while nobody listens, and may be told with any lock held.</summary>
/// <param name="owner">Whose it is: <c>mproxy.relay.name</c> or <c>mproxy.tunnel.name</c>, and the name in this session.</param>
internal sealed class SessionMeter(KeyValuePair<string, object?> owner)
{
    public KeyValuePair<string, object?> Owner => owner;

    /// <summary>A link has gone up.</summary>
    public void LinkOpened() => EngineMeter.LinkOpened.Add(1, owner);

    /// <summary>A link that had been up is over.</summary>
    /// <param name="code">Why; null where it was closed in order.</param>
    public void LinkLost(string? code) => EngineMeter.LinkLost.Add(1, owner, new(EngineMeter.LinkEnd, MetricWords.End(code, "closed")));

    /// <summary>A peer has answered a question.</summary>
    public void Answered(TimeSpan roundTrip) => EngineMeter.LinkRoundTrip.Record(roundTrip.TotalSeconds, owner);

    /// <summary>A client is over.</summary>
    /// <param name="service">As its frames call it.</param>
    /// <param name="code">Why it did not end in order; null where it did.</param>
    /// <param name="duration">How long it was there.</param>
    public void ClientEnded(string? service, string? code, TimeSpan duration)
    {
        var kind = Service(service);
        EngineMeter.ClientEnded.Add(1, owner, kind, new(EngineMeter.ClientEnd, MetricWords.End(code, "end")));
        EngineMeter.ClientDuration.Record(duration.TotalSeconds, owner, kind);
    }

    /// <summary>The first byte of an answer has come for a client.</summary>
    /// <param name="service">As its frames call it.</param>
    /// <param name="wait">How long after it came.</param>
    public void FirstByte(string? service, TimeSpan wait) => EngineMeter.ClientFirstByte.Record(wait.TotalSeconds, owner, Service(service));

    /// <summary>A local service was dialled.</summary>
    /// <param name="outcome">One of a few fixed words.</param>
    /// <param name="duration">How long it took to accept, or to fail.</param>
    public void Dialled(string outcome, TimeSpan duration) => EngineMeter.Dial.Record(duration.TotalSeconds, owner, new(EngineMeter.DialOutcome, outcome));

    /// <summary>A datagram was dropped.</summary>
    /// <param name="reason">One of a few fixed sentences.</param>
    public void DatagramDropped(string reason)
    {
        if (EngineMeter.DatagramDropped.Enabled)
        {
            EngineMeter.DatagramDropped.Add(1, owner, new(EngineMeter.DropReason, MetricWords.Slug(reason)));
        }
    }

    /// <summary>A line of the access log could not be written.</summary>
    public void AccessLogDropped() => EngineMeter.AccessLogDropped.Add(1, owner);

    private static KeyValuePair<string, object?> Service(string? service) => new(EngineMeter.ClientService, MetricWords.Service(service));
}
