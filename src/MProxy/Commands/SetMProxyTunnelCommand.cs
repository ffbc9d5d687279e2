using System.Management.Automation;
using System.Net;
using System.Security;
using MProxy.Abstractions;
using MProxy.Engine.Device;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Set-MProxyTunnel: changes a tunnel while it runs, without losing a client.</summary>
[Cmdlet(VerbsCommon.Set, "MProxyTunnel", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(Tunnel))]
public sealed class SetMProxyTunnelCommand : SetSessionCommand
{
    /// <summary>The tunnel itself, as Start- and Get-MProxyTunnel return it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputSet)]
    [ValidateNotNull]
    public Tunnel? InputObject { get; set; }

    /// <summary>Which local service each new client gets: @{ tcp = '127.0.0.1:9000' }. Those that are there stay where they are.</summary>
    [Parameter(Position = 1)]
    [ServiceMapTransform]
    public ServiceMap? Service { get; set; }

    /// <summary>Tokens that say what this device may serve. They take the place of those before, on all of its links.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public SecureString[] Token { get; set; } = [];

    /// <summary>How many seconds a local service may take to accept, 1 to 3600.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int DialTimeout { get; set; } = 10;

    /// <summary>The address of this machine that local services are dialled from.</summary>
    [Parameter]
    [ValidateNotNull]
    public IPAddress? SourceAddress { get; set; }

    /// <summary>Services, by their keys, that get no new clients. Those that are there may finish.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] DrainService { get; set; } = [];

    /// <summary>Services of -DrainService that get clients again.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] RestoreService { get; set; } = [];

    /// <inheritdoc/>
    protected override void BeginProcessing() => ReadConfiguration(typeof(StartMProxyTunnelCommand));

    /// <inheritdoc/>
    protected override void ProcessRecord() => Change(Sessions.Tunnels, InputObject, tunnel =>
    {
        string[]? tokens = IsGiven(nameof(Token)) ? [.. Token.Select(Secret.Reveal)] : null;
        tunnel.ChangeAsync(
            current => current with
            {
                Service = Service ?? current.Service,
                DialTimeout = IsGiven(nameof(DialTimeout)) ? TimeSpan.FromSeconds(DialTimeout) : current.DialTimeout,
                SourceAddress = IsGiven(nameof(SourceAddress)) ? SourceAddress : current.SourceAddress,
                Relays = tokens is null ? current.Relays : [.. current.Relays.Select(relay => relay with { Tokens = tokens })],
            },
            StopToken).GetAwaiter().GetResult();
        foreach (var key in DrainService)
        {
            tunnel.DrainService(key);
        }

        foreach (var key in RestoreService)
        {
            tunnel.RestoreService(key);
        }
    });
}
