using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Get-MProxyConnection: the clients on the links of this session.</summary>
[Cmdlet(VerbsCommon.Get, "MProxyConnection")]
[OutputType(typeof(ClientConnection))]
public sealed class GetMProxyConnectionCommand : ConnectionCommand
{
    private readonly List<object> _owners = [];

    /// <summary>Identities such as 'IPv4,127.0.0.1,4321', wildcards allowed; all where it is left out.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(SocketIdCompleter))]
    [SocketIdTransform]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] SocketId { get; set; } = ["*"];

    /// <summary>Relays whose clients to list.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public RelayJob[] Relay { get; set; } = [];

    /// <summary>Tunnels whose clients to list.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public TunnelJob[] Tunnel { get; set; } = [];

    /// <summary>Links whose clients to list, as Connect-MProxyRelay returns them.</summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public DeviceLink[] Session { get; set; } = [];

    /// <summary>Services such as tcp, wildcards allowed.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ServiceCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Service { get; set; } = [];

    /// <summary>The names that clients asked for, wildcards allowed.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(LiveNameCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>Devices as Device shows them, wildcards allowed.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(LiveNameCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Device { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // What stands on the command line is there for each record anew.
        object[] owners = [.. Relay, .. Tunnel, .. Session];
        _owners.AddRange(owners.Except(_owners));
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var isLimited = _owners.Count > 0 || MyInvocation.ExpectingInput;
        var all = isLimited ? _owners.SelectMany(ConnectionsOf) : Connections.All;
        var wanted = all.Where(one => Fits(one.Service, Service) && Fits(one.Name, Name) && Fits(one.Device, Device)).ToList();
        foreach (var connection in Find(wanted, SocketId))
        {
            WriteObject(connection);
        }
    }

    private static IReadOnlyList<ClientConnection> ConnectionsOf(object owner) => owner switch
    {
        RelayJob relay => relay.Connections,
        TunnelJob tunnel => tunnel.Connections,
        _ => ((DeviceLink)owner).Connections,
    };

    private static bool Fits(string text, string[] given) => given.Length == 0 || given.Any(one => Matches(text, one));
}
