using System.Management.Automation;
using MProxy.Engine;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Finds clients on links by their identity.</summary>
public abstract class ConnectionCommand : PSCmdlet
{
    /// <summary>Those that identities stand for, each in turn; one without wildcards that stands for none is an error.</summary>
    private protected IEnumerable<ClientConnection> Find(IReadOnlyList<ClientConnection> connections, IEnumerable<string> socketIds) => NameSearch.Find(
        this, socketIds, socketId => connections.Where(connection => Matches(connection.SocketId, socketId)), ErrorRecords.ConnectionNotFound);

    /// <summary>A text is what was given, or fits it as a pattern: an address in brackets is both.</summary>
    private protected static bool Matches(string text, string given) =>
        text.Equals(given, StringComparison.OrdinalIgnoreCase) || WildcardPattern.Get(given, WildcardOptions.IgnoreCase).IsMatch(text);
}
