using System.Management.Automation;

namespace MProxy.Internal.Configuration;

/// <summary>What the paths in a configuration file stand for.</summary>
internal static class FilePaths
{
    /// <summary>A path that starts nowhere in particular starts at a folder.</summary>
    public static string InFolder(PSCmdlet cmdlet, string folder, string path)
    {
        var paths = cmdlet.SessionState.Path;
        return Path.IsPathRooted(path) || path.StartsWith('~') || paths.IsProviderQualified(path) || paths.IsPSAbsolute(path, out _)
            ? path : Path.Combine(folder, path);
    }

    /// <summary>The same for the file system.</summary>
    /// <exception cref="IOException">It is no path of a file system.</exception>
    public static string Provider(PSCmdlet cmdlet, string path)
    {
        try
        {
            var full = cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
            return provider.Name == "FileSystem" ? full : throw new IOException($"'{path}' is no path of a file system.");
        }
        catch (Exception error) when (error is SessionStateException or NotSupportedException or ArgumentException)
        {
            throw new IOException(error.Message, error);
        }
    }
}
