using System.Globalization;
using MProxy.Trials.Roles;

namespace MProxy.Trials.Kill;

/// <summary>A process that is killed and comes again at the same ports.</summary>
internal sealed class Victim(params object[] arguments) : IDisposable
{
    private string[] _arguments = Texts(arguments);
    private RoleProcess _process = new(Texts(arguments));

    public string Name => _arguments[0];

    public IReadOnlyList<int> Numbers => _process.Numbers;

    /// <summary>What it is started with from now on, behind its name.</summary>
    public void Fix(params object[] arguments) => _arguments = [Name, .. Texts(arguments)];

    /// <summary>Kills it, where nothing else has.</summary>
    /// <exception cref="InvalidOperationException">It has let an exception go unobserved.</exception>
    /// <exception cref="IOException">It had ended by itself; its last errors stand in the text.</exception>
    public void Kill()
    {
        if (_process.Sample().Unobserved > 0)
        {
            throw new InvalidOperationException($"Exceptions in the {Name} process were asked for by nobody.");
        }

        _process.Dispose();
    }

    public void Restart() => _process = new RoleProcess(_arguments);

    public void Suspend() => _process.Suspend();

    public void Resume() => _process.Resume();

    /// <summary>Has its pool without a thread for so long.</summary>
    public void Starve(int milliseconds) => _process.Ask(string.Create(CultureInfo.InvariantCulture, $"{Role.Starve}{milliseconds}"));

    public Sample Sample() => _process.Sample();

    /// <summary>What it answers to a line.</summary>
    public string Ask(string line) => _process.Ask(line);

    public string Stop() => _process.Stop();

    public void Dispose() => _process.Dispose();

    private static string[] Texts(object[] arguments) => [.. arguments.Select(argument => Convert.ToString(argument, CultureInfo.InvariantCulture)!)];
}
