using System.Management.Automation;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Get-MProxySocketId: the identity of a client on a link, from whatever a script has of it.</summary>
[Cmdlet(VerbsCommon.Get, "MProxySocketId")]
[OutputType(typeof(string), typeof(SocketAddress))]
public sealed class GetMProxySocketIdCommand : PSCmdlet
{
    /// <summary>A frame, Socket, TcpClient, IPEndPoint, "address:port", or an object with RemoteAddress and RemotePort.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNull]
    public object InputObject { get; set; } = null!;

    /// <summary>Return Family, Address, Port and ServicePort instead of text.</summary>
    [Parameter]
    public SwitchParameter AsObject { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var input = PSValue.Unwrap(InputObject);
        if (input is Frame { Kind: FrameKind.Control })
        {
            WriteVerbose("A control frame belongs to no client and has no socket id.");
            return;
        }

        if (SocketAddressReader.Read(input) is not { } address)
        {
            WriteError(ErrorRecords.UnsupportedInput(
                input, "give a frame, a connected Socket or TcpClient, an IPEndPoint, text like 127.0.0.1:4321 or [::1]:4321, or an object with RemoteAddress and RemotePort."));
            return;
        }

        WriteObject(AsObject ? address : address.ToString());
    }
}
