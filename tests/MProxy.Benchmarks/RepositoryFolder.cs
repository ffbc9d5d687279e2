namespace MProxy.Benchmarks;

/// <summary>Where things are in the work tree that this program was built in.</summary>
internal static class RepositoryFolder
{
    /// <summary>A folder or file of the repository.</summary>
    public static string Find(params string[] parts)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MProxy.sln")))
            {
                return Path.Combine([folder.FullName, .. parts]);
            }
        }

        throw new InvalidOperationException("The benchmarks run in the work tree alone: MProxy.sln was not found above this program.");
    }
}
