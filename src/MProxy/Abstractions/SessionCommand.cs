using System.Management.Automation;
using MProxy.Engine;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Finds relays, links or tunnels of this process by name.</summary>
public abstract class SessionCommand : AsyncCommand
{
    /// <summary>Those that names stand for, each name in turn; one without wildcards that stands for none is an error.</summary>
    private protected IEnumerable<T> Find<T>(SessionTable<T> sessions, IEnumerable<string> names)
        where T : class, IDrainable => NameSearch.Find(
            this, names, name => sessions.Find(WildcardPattern.Get(name, WildcardOptions.IgnoreCase)), name => ErrorRecords.NotFound(sessions.Kind, name));
}
