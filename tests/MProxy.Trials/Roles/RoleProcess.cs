using System.Globalization;
using MProxy.Benchmarks.Peers;

namespace MProxy.Trials.Roles;

/// <summary>One of a trial's processes, seen from the one that started it.</summary>
internal sealed class RoleProcess : IDisposable
{
    private readonly Child _child;
    private readonly Lock _gate = new();

    public RoleProcess(params IEnumerable<string> arguments)
    {
        _child = Child.StartSelf(arguments);
        Numbers = [.. _child.WaitForLine(line => line.StartsWith(Role.Ready, StringComparison.Ordinal)).Split(' ').Skip(1).Select(word => int.Parse(word, CultureInfo.InvariantCulture))];
    }

    /// <summary>The ports that it said.</summary>
    public IReadOnlyList<int> Numbers { get; }

    public Sample Sample() => Roles.Sample.Parse(Ask(Role.SampleCommand));

    /// <summary>Tells it something, and waits for what it answers.</summary>
    /// <exception cref="IOException">It is gone; its last errors stand in the text.</exception>
    public string Ask(string line)
    {
        lock (_gate)
        {
            _child.Send(line);
            return _child.WaitForLine(_ => true);
        }
    }

    /// <summary>Suspends it, as a machine that sleeps.</summary>
    public void Suspend() => Signal("STOP");

    public void Resume() => Signal("CONT");

    /// <summary>Ends it in order.</summary>
    /// <returns>What it said in the end.</returns>
    public string Stop() => Ask("");

    /// <summary>Kills it where it has not ended (SIGKILL).</summary>
    public void Dispose() => _child.Dispose();

    private void Signal(string name) => Child.Run("/bin/sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -{name} {_child.Id}")]);
}
