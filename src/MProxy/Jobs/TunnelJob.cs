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
    private readonly object _gate = new();
    private IReadOnlyList<ScriptService> _scripts = [];
    private bool _hasEnded;

    internal TunnelJob(Tunnel tunnel, string command)
        : base(tunnel, command, "MProxyTunnel") => Tunnel = tunnel;

    /// <summary>The relays.</summary>
    public override string Location => RelayUri.Count > 0 ? string.Join(", ", RelayUri) : "stream";

    /// <inheritdoc/>
    public override string Serves => string.Join(' ', Service);

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

    /// <summary>The scripts that serve clients from now on. Those from before serve the clients that they have to the end.</summary>
    internal void Use(IReadOnlyList<ScriptService> scripts)
    {
        lock (_gate)
        {
            var next = _hasEnded ? [] : scripts;
            foreach (var script in _scripts.Concat(scripts).Except(next))
            {
                script.Dispose();
            }

            _scripts = next;
        }
    }

    private protected override void Forget()
    {
        Sessions.Tunnels.Remove(this);
        lock (_gate)
        {
            _hasEnded = true;
            Use([]);
        }
    }
}
