using System.Management.Automation;

namespace MProxy.Shell;

/// <summary>An error as one readable line, with its id and where it happened.</summary>
internal static class ErrorText
{
    public static string Of(ErrorRecord error)
    {
        var command = error.InvocationInfo?.MyCommand?.Name;
        var line = error.InvocationInfo is { ScriptLineNumber: > 0 } where ? $" (line {where.ScriptLineNumber})" : "";
        return $"{(command is null ? "" : $"{command}: ")}{error} [{error.FullyQualifiedErrorId}]{line}";
    }
}
