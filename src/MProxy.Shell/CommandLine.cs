namespace MProxy.Shell;

/// <summary>What to run: text, a file with arguments, or standard input.</summary>
internal sealed record CommandLine(string? Command, string? File, string[] Arguments, string? Error = null)
{
    public const string Usage = """
        Usage: mproxy-shell -Command TEXT
               mproxy-shell -File PATH [arguments]
               mproxy-shell < script.ps1
        Runs PowerShell with the MProxy module loaded. The embedded engine has the core cmdlets only.
        """;

    public static CommandLine Parse(string[] args)
    {
        if (args.Length == 0)
        {
            return new CommandLine(null, null, []);
        }

        return (args[0].ToLowerInvariant(), args.Length) switch
        {
            ("-command" or "-c", >= 2) => new CommandLine(string.Join(' ', args[1..]), null, []),
            ("-file" or "-f", >= 2) => new CommandLine(null, args[1], args[2..]),
            _ => new CommandLine(null, null, [], Usage),
        };
    }
}
