namespace MProxy.Module.Tests;

/// <summary>Where the repository's files are, seen from the built tests.</summary>
internal static class RepositoryFiles
{
    public static string Root { get; } = FindRoot();

    public static string Manifest { get; } = Path.Combine(Root, "MProxy.psd1");

    public static string Configuration { get; } = AppContext.BaseDirectory.Contains("Release", StringComparison.Ordinal) ? "Release" : "Debug";

    public static string Shell { get; } = Path.Combine(
        Root, "src", "MProxy.Shell", "bin", Configuration, "net10.0", OperatingSystem.IsWindows() ? "mproxy-shell.exe" : "mproxy-shell");

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "MProxy.psd1")))
            {
                return folder;
            }
        }

        throw new DirectoryNotFoundException("MProxy.psd1 is in no folder above the tests.");
    }
}
