using System.Management.Automation;
using System.Security;
using MProxy.Abstractions;
using MProxy.Engine.Link;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Send-MProxyControl: asks the relay for something, and returns its reply.</summary>
[Cmdlet(VerbsCommunications.Send, "MProxyControl", DefaultParameterSetName = ArgumentSet)]
[OutputType(typeof(ControlReply))]
public sealed class SendMProxyControlCommand : LinkCommand
{
    private const string ArgumentSet = "Argument";
    private const string TokenSet = "Token";

    /// <summary>The command: add_token, check_token, delete_token, ping, or any other that the relay knows.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ArgumentCompleter(typeof(ControlCommandCompleter))]
    [ValidateNotNullOrEmpty]
    public string Command { get; set; } = "";

    /// <summary>What goes with the command, as JSON: texts, numbers, lists, tables.</summary>
    [Parameter(Position = 2, ParameterSetName = ArgumentSet)]
    [ValidateNotNull]
    public object?[] ArgumentList { get; set; } = [];

    /// <summary>The token that goes with add_token, check_token or delete_token. The link shows an added one again when it reconnects.</summary>
    [Parameter(Mandatory = true, ParameterSetName = TokenSet)]
    [ValidateNotNull]
    public SecureString? Token { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            object?[] arguments = Token is null ? [.. ArgumentList.Select(argument => PSValue.ToPlain(argument))] : [Secret.Reveal(Token)];
            WriteObject(Await(Session.SendControlAsync(Command, arguments, StopToken)));
        }
        catch (LinkException error)
        {
            WriteError(ErrorRecords.NoLink(error, Session));
        }
        catch (ArgumentException error)
        {
            WriteError(ErrorRecords.InvalidOption(error, Command, "Send less at once: fewer or shorter arguments."));
        }
    }
}
