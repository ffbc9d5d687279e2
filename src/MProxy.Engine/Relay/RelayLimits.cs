using System.Net;
using MProxy.Engine.Link;

namespace MProxy.Engine.Relay;

/// <summary>Who may come to a relay, how many, and how much they may move. The defaults suit a small server; all may change while it runs.</summary>
public sealed record RelayLimits
{
    // Who asks has long asked again by then, and its port may be another's.
    private static readonly TimeSpan DnsPatience = TimeSpan.FromSeconds(5);

    /// <summary>Clients of all devices together.</summary>
    public int MaxClients { get; init; } = 10_000;

    /// <summary>Clients on one device's link, of whom those of datagrams take up half. Where its grants are shared by others, those get the next.</summary>
    public int MaxClientsPerDevice { get; init; } = 5_000;

    /// <summary>
    /// Clients of one address, as many of datagrams, and as many that have not said what they are for. Of IPv6 a network of 64 bits counts as
    /// one address, since one host has it all.
    /// </summary>
    public int MaxClientsPerAddress { get; init; } = 1_000;

    /// <summary>New clients per second in all, and as many of datagrams; twice as many at once; 0 for no limit.</summary>
    public int MaxNewClientsPerSecond { get; init; } = 2_000;

    /// <summary>The same of one address.</summary>
    public int MaxNewClientsPerAddress { get; init; } = 1_000;

    /// <summary>How many clients may be listened to at once before they are brought to a device, or told that there is none.</summary>
    public int MaxArrivals { get; init; } = 4_096;

    /// <summary>How many peers may be connected where devices come in that have shown no token that holds; without tokens, that have not come so far as to be a link.</summary>
    public int MaxPendingLinks { get; init; } = 512;

    /// <summary>The same of one address, so that one cannot keep all others out.</summary>
    public int MaxPendingLinksPerAddress { get; init; } = 64;

    /// <summary>Bytes per second of one client, each way; 0 for no limit. Streams wait, datagrams beyond it are dropped.</summary>
    public long ClientBytesPerSecond { get; init; }

    /// <summary>Bytes per second of all clients of one device's link together, each way; 0 for no limit.</summary>
    public long DeviceBytesPerSecond { get; init; }

    /// <summary>Datagrams per second of one client, and twice as many at once; 0 for no limit.</summary>
    public int DatagramsPerSecond { get; init; } = 10_000;

    /// <summary>How long a client of a stream may be silent both ways before it is ended; zero for ever.</summary>
    public TimeSpan ClientIdleTimeout { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// The same where its service has said all, and the client has it all and could only go on by itself: one that never closes takes up room no longer
    /// than this. Zero is as <see cref="ClientIdleTimeout"/>.
    /// </summary>
    public TimeSpan HalfClosedTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a client of datagrams may be silent both ways before it is over; one of DNS 5 s at most.</summary>
    public TimeSpan DatagramIdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How many times the bytes of its own datagrams, headers included, a client is sent before it has spoken again behind an answer; one of DNS always.
    /// Whoever made up its address gains no more.
    /// </summary>
    public double MaxAmplification { get; init; } = 10;

    /// <summary>The only addresses that clients may come from; empty for any.</summary>
    public IReadOnlyList<IPNetwork> AllowedClients { get; init; } = [];

    /// <summary>Addresses that clients may not come from, also where they are allowed otherwise.</summary>
    public IReadOnlyList<IPNetwork> DeniedClients { get; init; } = [];

    private TimeSpan DnsIdleTimeout => DatagramIdleTimeout > TimeSpan.Zero && DatagramIdleTimeout < DnsPatience ? DatagramIdleTimeout : DnsPatience;

    internal TimeSpan IdleTimeoutOf(LinkClient client) =>
        !client.IsDatagram ? (client is { EndReceived: true, Waiting: 0 } ? ShorterOf(HalfClosedTimeout, ClientIdleTimeout) : ClientIdleTimeout)
        : client.Meta.Service == ClientService.Dns ? DnsIdleTimeout : DatagramIdleTimeout;

    /// <summary>All that there are, of clients of DNS only where some may come: the shortest decides how often is looked.</summary>
    internal TimeSpan[] IdleTimeouts(bool withDns) =>
        [ClientIdleTimeout, HalfClosedTimeout, DatagramIdleTimeout, .. withDns ? [DnsIdleTimeout] : Array.Empty<TimeSpan>()];

    private static TimeSpan ShorterOf(TimeSpan first, TimeSpan second) =>
        first == TimeSpan.Zero ? second : second == TimeSpan.Zero || first < second ? first : second;
}
