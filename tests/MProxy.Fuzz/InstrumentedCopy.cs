using System.Diagnostics;
using SharpFuzz;

namespace MProxy.Fuzz;

/// <summary>A copy of this program whose libraries tell what they do. They run nowhere else: without somebody who listens they end their process.</summary>
internal sealed class InstrumentedCopy : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-fuzz");

    public InstrumentedCopy()
    {
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory))
        {
            File.Copy(file, Path.Combine(_folder.FullName, Path.GetFileName(file)));
        }

        // In one process: two would number the places of both alike.
        foreach (var library in new[] { "MProxy.Protocol.dll", "MProxy.Engine.dll" })
        {
            Fuzzer.Instrument(Path.Combine(_folder.FullName, library), _ => true, Options.Value);
        }
    }

    /// <summary>Runs this program there until it is done, dies or hangs. What it was at in the latter two cases is kept.</summary>
    /// <returns>True where it was done.</returns>
    public bool Run(Corpus corpus, params string[] arguments)
    {
        var file = Path.Combine(_folder.FullName, "current.bin");
        using var current = new CurrentInput(file);
        using var child = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(_folder.FullName, "MProxy.Fuzz.dll"), "child", file, .. arguments]))!;
        for (var last = -1L; !child.WaitForExit(Patience); last = current.Count)
        {
            if (current.Count == last)
            {
                child.Kill();
                child.WaitForExit();
                Console.Error.WriteLine($"It hangs; kept as {corpus.AddCrash(current.Read())}");
                return false;
            }
        }

        if (child.ExitCode != 0)
        {
            Console.Error.WriteLine($"It died with {child.ExitCode}; kept as {corpus.AddCrash(current.Read())}");
        }

        return child.ExitCode == 0;
    }

    /// <summary>Leaves it in a folder of its own.</summary>
    public void MoveTo(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in _folder.GetFiles())
        {
            file.CopyTo(Path.Combine(folder, file.Name), overwrite: true);
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
