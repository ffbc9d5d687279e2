using System.Net;
using MProxy.Engine;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Health;
using MProxy.Internal;

namespace MProxy;

/// <summary>A tunnel of this session, as Start- and Get-MProxyTunnel return it.</summary>
public sealed class TunnelJob : SessionJob
{
    internal TunnelJob(Tunnel tunnel, string command)
        : base(tunnel, command, "MProxyTunnel") => Tunnel = tunnel;

    /// <summary>The relays.</summary>
    public override string Location => RelayUri.Count > 0 ? string.Join(", ", RelayUri) : "stream";

    /// <inheritdoc cref="Tunnel.State"/>
    public LinkState LinkState => Tunnel.State;

    /// <inheritdoc cref="Tunnel.Links"/>
    public IReadOnlyList<DeviceLink> Links => Tunnel.Links;

    /// <inheritdoc cref="Tunnel.RelayUri"/>
    public IReadOnlyList<CarrierUri> RelayUri => Tunnel.RelayUri;

    /// <inheritdoc cref="Tunnel.Service"/>
    public IReadOnlyList<string> Service => Tunnel.Service;

    /// <inheritdoc cref="Tunnel.Services"/>
    public IReadOnlyList<ServiceStatus> Services => Tunnel.Services;

    /// <inheritdoc/>
    public override int LinkCount => Tunnel.Links.Count(link => link.State is LinkState.Connected or LinkState.Draining);

    /// <inheritdoc/>
    public override int ClientCount => Tunnel.ClientCount;

    /// <inheritdoc cref="Tunnel.Connections"/>
    public IReadOnlyList<ClientConnection> Connections => Tunnel.Connections;

    /// <inheritdoc/>
    public override long BytesIn => Tunnel.BytesIn;

    /// <inheritdoc/>
    public override long BytesOut => Tunnel.BytesOut;

    /// <inheritdoc/>
    public override TimeSpan? RoundTrip => Tunnel.RoundTrip;

    /// <inheritdoc cref="Tunnel.MetricsEndPoint"/>
    public IPEndPoint? MetricsEndPoint => Tunnel.MetricsEndPoint;

    /// <summary>The tunnel itself.</summary>
    internal Tunnel Tunnel { get; }

    private protected override void Forget() => Sessions.Tunnels.Remove(this);
}
