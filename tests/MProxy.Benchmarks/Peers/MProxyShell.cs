namespace MProxy.Benchmarks.Peers;

/// <summary>Scripts in the Shell, as it was built last.</summary>
internal static class MProxyShell
{
    /// <summary>Of the environment: in whose process completions of sockets are inlined.</summary>
    public const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Of a relay. Nobody else has limits: how many clients there may be, and how fast they may come, is for the load to say.</summary>
    public const string NoLimits =
        "-Limit @{ MaxClients = 100000; MaxClientsPerDevice = 100000; MaxClientsPerAddress = 100000; MaxNewClientsPerSecond = 0; MaxNewClientsPerAddress = 0 }";

    private const string Stay = "while ($true) { [Threading.Thread]::Sleep(500) }";

    private static readonly string Program = Programs.FindShell();

    /// <summary>Runs a script, and stays until it is disposed of.</summary>
    public static Child Start(string script, bool inlines = true) =>
        Child.Start(Program, ["-Command", $"{script}; {Stay}"], isAside: false, (InlineCompletions, inlines ? "1" : "0"));
}
