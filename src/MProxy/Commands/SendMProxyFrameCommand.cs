using System.Management.Automation;
using System.Text;
using MProxy.Abstractions;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Internal;
using MProxy.Protocol;

namespace MProxy.Commands;

/// <summary>Send-MProxyFrame: answers a client of a link from script. A message waits for its turn, and while the relay has paused the client.</summary>
[Cmdlet(VerbsCommunications.Send, "MProxyFrame")]
[OutputType(typeof(void))]
public sealed class SendMProxyFrameCommand : AsyncCommand
{
    /// <summary>The link that the client is on.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNull]
    public DeviceLink Session { get; set; } = null!;

    /// <summary>The client, as Receive-MProxyFrame names it: IPv4,127.0.0.1,4321. A frame piped in names it.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SocketIdCompleter))]
    public string SocketId { get; set; } = "";

    /// <summary>Message, End or Error.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public FrameKind Kind { get; set; }

    /// <summary>The bytes of a message: a byte array, or text, which is sent as UTF-8.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [AllowEmptyCollection]
    [AllowEmptyString]
    public object? Data { get; set; }

    /// <summary>Of an error: what happened.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [AllowEmptyString]
    public string? Message { get; set; }

    /// <summary>Of an error: its code, such as E_NO_SERVICE.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [AllowEmptyString]
    public string? Code { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (Body() is not { } body)
        {
            WriteError(ErrorRecords.UnsupportedInput(Data, "give -Data as a byte array or text."));
            return;
        }

        try
        {
            if (!Await(Session.SendFrameAsync(Kind, SocketId, body, StopToken)))
            {
                WriteError(ErrorRecords.ClientNotFound(SocketId));
            }
        }
        catch (LinkException error)
        {
            WriteError(ErrorRecords.NoLink(error, Session));
        }
        catch (NotSupportedException error)
        {
            WriteError(ErrorRecords.UnsupportedKind(error, Kind));
        }
    }

    private byte[]? Body() => Kind switch
    {
        FrameKind.Error => ErrorBody.Create(Message ?? "", string.IsNullOrEmpty(Code) ? ErrorCode.Unknown : Code),
        FrameKind.Message => PSValue.Unwrap(Data) switch
        {
            null => [],
            string text => Encoding.UTF8.GetBytes(text),
            var other => PSValue.AsBytes(other),
        },
        _ => [],
    };
}
