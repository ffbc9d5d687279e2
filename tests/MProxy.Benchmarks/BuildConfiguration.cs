namespace MProxy.Benchmarks;

/// <summary>How this program was built, and what is built beside it.</summary>
internal static class BuildConfiguration
{
#if DEBUG
    public const string Name = "Debug";
#else
    public const string Name = "Release";
#endif
}
