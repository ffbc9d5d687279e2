using System.Text.Json;

namespace MProxy.Benchmarks.Peers;

/// <summary>The npm package proxy-packer, the reference's codec, in a Node process that does the same work over and over when told.</summary>
internal sealed class PackerWorker : IDisposable
{
    public const string Name = "proxy-packer";

    private readonly Child _child;

    private PackerWorker(Child child) => _child = child;

    /// <summary>Starts it; where it is not installed yet, npm installs it first.</summary>
    /// <param name="why">Where it cannot be had: what is missing.</param>
    public static PackerWorker? TryStart(out string? why)
    {
        var folder = RepositoryFolder.Find("tests", "MProxy.Benchmarks", "peers", "proxy-packer");
        try
        {
            why = Programs.WhyMissing("node");
            if (why is null && !Directory.Exists(Path.Combine(folder, "node_modules", Name)))
            {
                why = Programs.WhyMissing("npm");
                if (why is null)
                {
                    Child.Run(Programs.Find("npm")!, ["ci", "--no-audit", "--no-fund", "--fetch-retries=1", "--prefix", folder]);
                }
            }

            return why is null ? new PackerWorker(Child.Start(Programs.Find("node")!, ["--expose-gc", Path.Combine(folder, "worker.mjs")], isAside: true)) : null;
        }
        catch (IOException error)
        {
            why = error.Message;
            return null;
        }
    }

    /// <summary>Has it prepare its work: everything that is not measured.</summary>
    /// <returns>The length of the frames in bytes, where it made them.</returns>
    public long? Prepare(object command) =>
        Ask(command).TryGetProperty("bytes", out var bytes) ? bytes.GetInt64() : null;

    /// <summary>Has it do the prepared work.</summary>
    /// <returns>What it saw, and how long it took by its own clock.</returns>
    public (long Frames, long BodyBytes, TimeSpan Time) Run(long passes)
    {
        var answer = Ask(new { op = "run", passes });
        return (answer.GetProperty("frames").GetInt64(), answer.GetProperty("bodyBytes").GetInt64(), TimeSpan.FromMilliseconds(answer.GetProperty("milliseconds").GetDouble()));
    }

    public void Dispose() => _child.Dispose();

    private JsonElement Ask(object command)
    {
        _child.Send(JsonSerializer.Serialize(command));
        using var answer = JsonDocument.Parse(_child.WaitForLine(line => line.StartsWith('{')));
        return answer.RootElement.Clone();
    }
}
