using System.Globalization;

namespace MProxy.Trials;

/// <summary>Numbers by name: --seconds 60.</summary>
internal sealed class TrialOptions
{
    private static readonly string[] Names = ["--idle", "--active", "--links", "--seconds", "--seed"];

    private readonly Dictionary<string, int> _values = [];

    /// <exception cref="FormatException">No such option, or its value is no whole number above 0.</exception>
    public TrialOptions(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i += 2)
        {
            if (!Names.Contains(arguments[i]) || i + 1 == arguments.Count || !int.TryParse(arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value == 0)
            {
                throw new FormatException($"{arguments[i]} is no option, or has no whole number above 0 behind it.");
            }

            _values[arguments[i]] = value;
        }
    }

    public int Idle => _values.GetValueOrDefault("--idle", 10_000);

    public int Active => _values.GetValueOrDefault("--active", 2_000);

    public int Links => _values.GetValueOrDefault("--links", 1_000);

    public TimeSpan Duration => TimeSpan.FromSeconds(_values.GetValueOrDefault("--seconds", 60));

    /// <summary>What chance says; another one each time unless given.</summary>
    public int Seed => _values.GetValueOrDefault("--seed", Environment.ProcessId);
}
