using System.Management.Automation;
using MProxy.Engine;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Does something to clients on links, given by identity or as objects.</summary>
public abstract class ChangeConnectionCommand : ConnectionCommand
{
    private protected const string IdSet = "SocketId";
    private protected const string InputSet = "InputObject";

    /// <summary>Identities such as 'IPv4,127.0.0.1,4321', wildcards allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = IdSet)]
    [ArgumentCompleter(typeof(SocketIdCompleter))]
    [SocketIdTransform]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] SocketId { get; set; } = [];

    /// <summary>The connection itself, as Get-MProxyConnection returns it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputSet)]
    [ValidateNotNull]
    public ClientConnection? InputObject { get; set; }

    /// <summary>Return the connections.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>What this does, as a question names it.</summary>
    private protected abstract string Action { get; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var connection in InputObject is not null ? [InputObject] : Find(Connections.All.ToList(), SocketId).ToList())
        {
            if (!ShouldProcess($"{connection.SocketId} of {connection.Owner}", Action))
            {
                continue;
            }

            if (!TryChange(connection))
            {
                WriteError(ErrorRecords.ConnectionEnded(connection));
            }
            else if (PassThru)
            {
                WriteObject(connection);
            }
        }
    }

    /// <summary>Does it. False where it is too late for that.</summary>
    private protected abstract bool TryChange(ClientConnection connection);
}
