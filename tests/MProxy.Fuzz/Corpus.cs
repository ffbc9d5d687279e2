using System.Security.Cryptography;

namespace MProxy.Fuzz;

/// <summary>The inputs of one target that are kept, each a file named by its content.</summary>
internal sealed class Corpus(string folder)
{
    /// <summary>What a crash or a hang is called by.</summary>
    public const string CrashPrefix = "crash-";

    public byte[][] Read() => Directory.Exists(folder) ? [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)] : [];

    /// <summary>Keeps these and what crashed, and nothing else.</summary>
    public void Replace(IEnumerable<byte[]> inputs)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.GetFiles(folder).Where(file => !Path.GetFileName(file).StartsWith(CrashPrefix, StringComparison.Ordinal)))
        {
            File.Delete(file);
        }

        foreach (var input in inputs)
        {
            File.WriteAllBytes(Path.Combine(folder, NameOf(input)), input);
        }
    }

    /// <summary>Keeps one that broke a promise.</summary>
    /// <returns>Its file.</returns>
    public string AddCrash(ReadOnlySpan<byte> input)
    {
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, CrashPrefix + NameOf(input));
        File.WriteAllBytes(file, input);
        return file;
    }

    private static string NameOf(ReadOnlySpan<byte> input) => Convert.ToHexStringLower(SHA256.HashData(input))[..16];
}
