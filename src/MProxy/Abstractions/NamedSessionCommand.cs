using System.Management.Automation;
using MProxy.Engine;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Does something to relays, links or tunnels, given by name or as objects.</summary>
public abstract class NamedSessionCommand : SessionCommand
{
    private protected const string NameSet = "Name";
    private protected const string InputSet = "InputObject";

    /// <summary>Names, wildcards allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(SessionNameCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>Those that are given, by name or as an object, and that -WhatIf and -Confirm let through. Each with its name.</summary>
    private protected IEnumerable<(string Name, T Session)> Chosen<T>(SessionTable<T> sessions, T? session, string verb)
        where T : class, IDrainable
    {
        foreach (var one in session is not null ? [session] : Find(sessions, Name).ToList())
        {
            var name = sessions.All.FirstOrDefault(entry => entry.Value == one).Key ?? "(stopped)";
            if (ShouldProcess(name, $"{verb} {sessions.Kind}"))
            {
                yield return (name, one);
            }
        }
    }
}
