namespace MProxy.Benchmarks.Peers;

/// <summary>Programs that may be on this machine.</summary>
internal static class Programs
{
    /// <summary>Where a program is; null where it is not.</summary>
    public static string? Find(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator)
        .Append("/usr/sbin")
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(File.Exists);

    /// <summary>The Shell, as it was built last.</summary>
    public static string FindShell() => Directory.EnumerateFiles(
        RepositoryFolder.Find("src", "MProxy.Shell", "bin", BuildConfiguration.Name),
        OperatingSystem.IsWindows() ? "mproxy-shell.exe" : "mproxy-shell",
        SearchOption.AllDirectories).First();

    /// <summary>Says which of some programs is missing; null where none is.</summary>
    public static string? WhyMissing(params string[] names) =>
        names.FirstOrDefault(name => Find(name) is null) is { } missing ? $"{missing} is not on this machine" : null;
}
