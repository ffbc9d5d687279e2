using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Start-MProxyRelay: the service in the middle.</summary>
[Cmdlet(VerbsLifecycle.Start, "MProxyRelay", SupportsShouldProcess = true)]
[OutputType(typeof(RelayServer))]
public sealed class StartMProxyRelayCommand : PSCmdlet
{
    /// <summary>Where devices come in: tcp://127.0.0.1:5443. Port 0 lets the system choose.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [CarrierUriTransform]
    public CarrierUri[] Listen { get; set; } = [];

    /// <summary>Ports for clients of raw TCP, 0 to 65535; 0 lets the system choose.</summary>
    [Parameter]
    [ValidateRange(0, ushort.MaxValue)]
    public int[] TcpPort { get; set; } = [];

    /// <summary>The address that the client ports are opened on; loopback unless given.</summary>
    [Parameter]
    public IPAddress PublicAddress { get; set; } = IPAddress.Loopback;

    /// <summary>Its name in this session.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var listeners = string.Join(", ", Listen.Select(uri => $"{uri}").Concat(TcpPort.Select(port => $"{new IPEndPoint(PublicAddress, port)}")));
        if (!ShouldProcess(listeners, "Start relay"))
        {
            return;
        }

        var name = Name ?? Sessions.Relays.NextName();
        if (Sessions.Relays.Contains(name))
        {
            ThrowTerminatingError(ErrorRecords.NameInUse("relay", name));
        }

        try
        {
            var relay = RelayServer.Start(new RelayOptions { Name = name, Listen = Listen, TcpPort = TcpPort, PublicAddress = PublicAddress });
            if (!Sessions.Relays.TryAdd(name, relay))
            {
                relay.StopAsync().GetAwaiter().GetResult();
                ThrowTerminatingError(ErrorRecords.NameInUse("relay", name));
            }

            WriteVerbose($"Relay '{name}' listens on {string.Join(", ", relay.Listen)}.");
            WriteObject(relay);
        }
        catch (Exception error) when (error is SocketException or InvalidOperationException or FormatException)
        {
            ThrowTerminatingError(ErrorRecords.StartFailed("Relay", error, listeners));
        }
    }
}
