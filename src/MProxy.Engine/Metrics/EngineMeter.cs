using System.Diagnostics.Metrics;

namespace MProxy.Engine.Metrics;

/// <summary>
/// The meter of this process, <c>MProxy</c>, with names by OpenTelemetry's conventions. What flows all the time is counted by relays and
/// tunnels themselves and read when somebody asks; the others are told once for each client or link.
/// </summary>
internal static class EngineMeter
{
    public const string RelayName = "mproxy.relay.name";
    public const string TunnelName = "mproxy.tunnel.name";
    public const string Direction = "network.io.direction";
    public const string ClientService = "mproxy.client.service";
    public const string ClientEnd = "mproxy.client.end";
    public const string LinkEnd = "mproxy.link.end";
    public const string RefusalReason = "mproxy.refusal.reason";
    public const string LimitName = "mproxy.limit.name";
    public const string DropReason = "mproxy.drop.reason";
    public const string RelayState = "mproxy.relay.state";
    public const string DialOutcome = "mproxy.dial.outcome";

    public const string ClientDurationName = "mproxy.client.duration";

    private static readonly object Gate = new();
    private static IMeterSource[] _sources = [];

    static EngineMeter()
    {
        Meter.CreateObservableUpDownCounter("mproxy.link.active", () => Read(source => source.Links), "{link}", "Links that are up.");
        Meter.CreateObservableUpDownCounter("mproxy.client.active", () => Read(source => source.Clients), "{client}", "Clients that are on links.");
        Meter.CreateObservableCounter("mproxy.link.io", () => ReadBoth(source => source.LinkBytes), "By", "Bytes of links, frames and all.");
        Meter.CreateObservableCounter("mproxy.client.io", () => ReadBoth(source => source.ClientBytes), "By", "Bytes that clients sent (receive) and were sent (transmit).");
        Meter.CreateObservableCounter("mproxy.client.pauses", () => ReadBoth(source => source.Pauses), "{pause}", "Pauses of clients that peers asked for (receive) and were asked for (transmit).");
        Meter.CreateObservableCounter("mproxy.client.refused", () => ReadAll(RefusalReason, source => source.Refused), "{client}", "Clients that were turned away.");
        Meter.CreateObservableCounter("mproxy.link.refused", () => ReadAll(RefusalReason, source => source.LinksRefused), "{link}", "Connections for devices that became no link.");
        Meter.CreateObservableCounter("mproxy.datagram.dropped", () => ReadAll(DropReason, source => source.DatagramsDropped), "{datagram}", "Datagrams that were dropped.");
        Meter.CreateObservableUpDownCounter("mproxy.fleet.relays", () => ReadAll(RelayState, source => source.FleetRelays), "{relay}", "Relays of the fleet, by where they stand.");
        Meter.CreateObservableUpDownCounter("mproxy.peer.link.active", () => ReadKnown(source => source.Peers?.Links), "{link}", "Links to other relays.");
        Meter.CreateObservableUpDownCounter("mproxy.peer.client.active", () => ReadKnown(source => source.Peers?.Clients), "{client}", "Clients whose devices are at other relays.");
        Meter.CreateObservableCounter("mproxy.access_log.dropped", () => ReadKnown(source => source.LogLinesDropped), "{line}", "Lines of the access log that could not be written.");
        Meter.CreateObservableCounter("mproxy.limit.struck", () => ReadAll(LimitName, source => source.Limited), "{strike}", "How often a limit struck a client.");
    }

    public static Meter Meter { get; } = new("MProxy", typeof(EngineMeter).Assembly.GetName().Version?.ToString(3));

    public static Counter<long> LinkOpened { get; } = Meter.CreateCounter<long>("mproxy.link.opened", "{link}", "Links that went up.");

    public static Counter<long> LinkEnded { get; } = Meter.CreateCounter<long>("mproxy.link.ended", "{link}", "Links that had been up and are over.");

    public static Histogram<double> LinkRoundTrip { get; } = Meter.CreateHistogram<double>("mproxy.link.round_trip.duration", "s", "How long an answer of the peer takes.");

    public static Counter<long> ClientEnded { get; } = Meter.CreateCounter<long>("mproxy.client.ended", "{client}", "Clients that are over.");

    public static Histogram<double> ClientDuration { get; } = Meter.CreateHistogram<double>(ClientDurationName, "s", "How long clients were there.");

    public static Histogram<double> ClientFirstByte { get; } =
        Meter.CreateHistogram<double>("mproxy.client.time_to_first_byte", "s", "How long clients waited for the first byte of an answer, since they came.");

    public static Histogram<double> Dial { get; } = Meter.CreateHistogram<double>("mproxy.dial.duration", "s", "How long local services took to accept, or to fail.");

    /// <summary>Reads a relay or tunnel from now on, whenever somebody asks.</summary>
    public static void Add(IMeterSource source)
    {
        lock (Gate)
        {
            _sources = [.. _sources, source];
        }
    }

    /// <summary>Lets go of it; again is harmless.</summary>
    public static void Remove(IMeterSource source)
    {
        lock (Gate)
        {
            _sources = [.. _sources.Where(other => other != source)];
        }
    }

    private static IEnumerable<Measurement<long>> Read(Func<IMeterSource, long> value) =>
        Volatile.Read(ref _sources).Select(source => new Measurement<long>(value(source), source.Owner));

    /// <summary>Whoever has no such thing, a log or a fleet, shows nothing, not a zero.</summary>
    private static IEnumerable<Measurement<long>> ReadKnown(Func<IMeterSource, long?> value) =>
        from source in Volatile.Read(ref _sources)
        let known = value(source)
        where known is not null
        select new Measurement<long>(known.GetValueOrDefault(), source.Owner);

    private static IEnumerable<Measurement<long>> ReadBoth(Func<IMeterSource, (long Received, long Sent)> values)
    {
        foreach (var source in Volatile.Read(ref _sources))
        {
            var (received, sent) = values(source);
            yield return new Measurement<long>(received, source.Owner, new(Direction, "receive"));
            yield return new Measurement<long>(sent, source.Owner, new(Direction, "transmit"));
        }
    }

    private static IEnumerable<Measurement<long>> ReadAll(string tag, Func<IMeterSource, IReadOnlyDictionary<string, long>> values) =>
        from source in Volatile.Read(ref _sources)
        from entry in values(source)
        select new Measurement<long>(entry.Value, source.Owner, new(tag, MetricWords.Slug(entry.Key)));
}
