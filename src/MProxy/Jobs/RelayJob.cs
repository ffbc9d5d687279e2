using System.Net;
using MProxy.Engine;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;
using MProxy.Internal;

namespace MProxy;

/// <summary>A relay of this session, as Start- and Get-MProxyRelay return it.</summary>
public sealed class RelayJob : SessionJob
{
    internal RelayJob(RelayServer relay, string command)
        : base(relay, command, "MProxyRelay") => Relay = relay;

    /// <summary>Where devices come in.</summary>
    public override string Location => string.Join(", ", Listen);

    /// <inheritdoc/>
    public override string Serves => string.Join(' ', OpenPort.Select(port => $"{port}").Concat(OpenUdpPort.Select(port => $"{port}/udp")));

    /// <inheritdoc cref="RelayServer.Listen"/>
    public IReadOnlyList<CarrierUri> Listen => Relay.Listen;

    /// <inheritdoc cref="RelayServer.TcpPort"/>
    public IReadOnlyList<int> TcpPort => Relay.TcpPort;

    /// <inheritdoc cref="RelayServer.TlsPort"/>
    public IReadOnlyList<int> TlsPort => Relay.TlsPort;

    /// <inheritdoc cref="RelayServer.HttpPort"/>
    public IReadOnlyList<int> HttpPort => Relay.HttpPort;

    /// <inheritdoc cref="RelayServer.MixedPort"/>
    public IReadOnlyList<int> MixedPort => Relay.MixedPort;

    /// <inheritdoc cref="RelayServer.UdpPort"/>
    public IReadOnlyList<int> UdpPort => Relay.UdpPort;

    /// <inheritdoc cref="RelayServer.DnsPort"/>
    public IReadOnlyList<int> DnsPort => Relay.DnsPort;

    /// <inheritdoc cref="RelayServer.OpenPort"/>
    public IReadOnlyList<int> OpenPort => Relay.OpenPort;

    /// <inheritdoc cref="RelayServer.OpenUdpPort"/>
    public IReadOnlyList<int> OpenUdpPort => Relay.OpenUdpPort;

    /// <inheritdoc cref="RelayServer.DrainedName"/>
    public IReadOnlyList<string> DrainedName => Relay.DrainedName;

    /// <summary>The names that devices with a link may serve now, by their tokens.</summary>
    public IReadOnlyList<string> GrantedName => Relay.GrantedName;

    /// <inheritdoc/>
    public override int LinkCount => Relay.LinkCount;

    /// <inheritdoc/>
    public override int ClientCount => Relay.ClientCount;

    /// <inheritdoc cref="RelayServer.Connections"/>
    public IReadOnlyList<ClientConnection> Connections => Relay.Connections;

    /// <inheritdoc/>
    public override long BytesIn => Relay.BytesIn;

    /// <inheritdoc/>
    public override long BytesOut => Relay.BytesOut;

    /// <inheritdoc/>
    public override TimeSpan? RoundTrip => Relay.RoundTrip;

    /// <inheritdoc cref="RelayServer.RefusedCount"/>
    public long RefusedCount => Relay.RefusedCount;

    /// <inheritdoc cref="RelayServer.RefusedBy"/>
    public IReadOnlyDictionary<string, long> RefusedBy => Relay.RefusedBy;

    /// <inheritdoc cref="RelayServer.DuplicateCount"/>
    public long DuplicateCount => Relay.DuplicateCount;

    /// <inheritdoc cref="RelayServer.LinkRefusedBy"/>
    public IReadOnlyDictionary<string, long> LinkRefusedBy => Relay.LinkRefusedBy;

    /// <inheritdoc cref="RelayServer.LimitedBy"/>
    public IReadOnlyDictionary<string, long> LimitedBy => Relay.LimitedBy;

    /// <inheritdoc cref="RelayServer.MetricsEndPoint"/>
    public IPEndPoint? MetricsEndPoint => Relay.MetricsEndPoint;

    /// <inheritdoc cref="RelayServer.UnloggedCount"/>
    public long UnloggedCount => Relay.UnloggedCount;

    /// <inheritdoc cref="RelayServer.PeerListen"/>
    public CarrierUri? PeerListen => Relay.PeerListen;

    /// <inheritdoc cref="RelayServer.Limits"/>
    public RelayLimits Limits => Relay.Limits;

    /// <inheritdoc cref="RelayServer.RevokedTokenId"/>
    public IReadOnlyList<string> RevokedTokenId => Relay.RevokedTokenId;

    /// <summary>The relay itself.</summary>
    internal RelayServer Relay { get; }

    /// <inheritdoc cref="RelayServer.ReopenAccessLog"/>
    public void ReopenAccessLog() => Relay.ReopenAccessLog();

    private protected override void Forget() => Sessions.Relays.Remove(this);
}
