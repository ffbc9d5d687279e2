using System.Management.Automation;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Start-MProxyTunnel: brings the clients of a relay to local services.</summary>
[Cmdlet(VerbsLifecycle.Start, "MProxyTunnel", SupportsShouldProcess = true)]
[OutputType(typeof(Tunnel))]
public sealed class StartMProxyTunnelCommand : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>The relay to dial: tcp://relay.example:5443.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [Alias("RelayUri")]
    [CarrierUriTransform]
    public CarrierUri Relay { get; set; } = null!;

    /// <summary>Which local service each client gets: @{ tcp = '127.0.0.1:9000' }. Keys are a name, a port, a service or '*'.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ServiceMapTransform]
    public ServiceMap Service { get; set; } = null!;

    /// <summary>Its name in this session.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>How many seconds the relay's greeting may take, 1 to 3600.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int ConnectTimeout { get; set; } = 10;

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!ShouldProcess($"{Relay}", $"Start tunnel for {string.Join(", ", Service.Entries)}"))
        {
            return;
        }

        var name = Name ?? Sessions.Tunnels.NextName();
        if (Sessions.Tunnels.Contains(name))
        {
            ThrowTerminatingError(ErrorRecords.NameInUse("tunnel", name));
        }

        try
        {
            var options = new TunnelOptions { Name = name, Relay = Relay, Service = Service, ConnectTimeout = TimeSpan.FromSeconds(ConnectTimeout) };
            var tunnel = Tunnel.StartAsync(options, cancellationToken: _stopping.Token).GetAwaiter().GetResult();
            if (!Sessions.Tunnels.TryAdd(name, tunnel))
            {
                tunnel.StopAsync().GetAwaiter().GetResult();
                ThrowTerminatingError(ErrorRecords.NameInUse("tunnel", name));
            }

            WriteVerbose($"Tunnel '{name}' is connected to {Relay}.");
            WriteObject(tunnel);
        }
        catch (LinkException error)
        {
            ThrowTerminatingError(ErrorRecords.StartFailed("Tunnel", error, Relay));
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <inheritdoc/>
    protected override void StopProcessing() => _stopping.Cancel();
}
