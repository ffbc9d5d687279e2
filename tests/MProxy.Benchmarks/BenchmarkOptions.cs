using System.Globalization;

namespace MProxy.Benchmarks;

/// <summary>What to run, and how thoroughly.</summary>
internal sealed record BenchmarkOptions
{
    public const string Usage = """
        MProxy.Benchmarks all|codec|pipeline|tunnel|growth [--rounds N] [--only TEXT] [--peer TEXT] [--short] [--write]

          --rounds N    How often each figure is taken, 1 to 99; 5 by default. Medians are shown.
          --only TEXT   Only measures whose name contains this.
          --peer TEXT   Only peers whose name contains this, and MProxy over tcp. May be given more than once.
          --short       One round of small loads: shows that everything runs, and measures nothing worth keeping.
          --write       Put the figures into docs/performance.md.
        """;

    private static readonly string[] AllGroups = ["codec", "pipeline", "tunnel", "growth"];

    public IReadOnlyList<string> Groups { get; private init; } = [];

    public int Rounds { get; private init; } = 5;

    public string Only { get; private init; } = "";

    public IReadOnlyList<string> Peers { get; private init; } = [];

    public bool IsShort { get; private init; }

    public bool Write { get; private init; }

    /// <summary>This measure is asked for.</summary>
    public bool Wants(string measure) => measure.Contains(Only, StringComparison.OrdinalIgnoreCase);

    /// <summary>This peer is asked for.</summary>
    public bool WantsPeer(string peer) => Peers.Count == 0 || peer == Report.Names.Ours || Peers.Any(part => peer.Contains(part, StringComparison.OrdinalIgnoreCase));

    /// <exception cref="FormatException">The command line is wrong; the message says where.</exception>
    public static BenchmarkOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new BenchmarkOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            string Value() => ++i < arguments.Count ? arguments[i] : throw new FormatException($"{arguments[^1]} has no value.");
            options = arguments[i] switch
            {
                "all" => options with { Groups = AllGroups },
                "--rounds" => options with { Rounds = Rounded(Value()) },
                "--only" => options with { Only = Value() },
                "--peer" => options with { Peers = [.. options.Peers, Value()] },
                "--short" => options with { IsShort = true, Rounds = 1 },
                "--write" => options with { Write = true },
                var group when AllGroups.Contains(group) => options with { Groups = [.. options.Groups, group] },
                var other => throw new FormatException($"'{other}' is none of all, {string.Join(", ", AllGroups)} and no option."),
            };
        }

        return options.Groups.Count > 0 ? options : throw new FormatException("Say what to run.");
    }

    private static int Rounded(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) && rounds is > 0 and < 100
            ? rounds
            : throw new FormatException($"--rounds is '{text}', and has to be a number from 1 to 99.");
}
