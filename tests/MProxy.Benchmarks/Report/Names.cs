namespace MProxy.Benchmarks.Report;

/// <summary>Who is measured.</summary>
internal static class Names
{
    public const string Ours = "MProxy";

    public static bool IsOurs(string peer) => peer.StartsWith(Ours, StringComparison.Ordinal);
}
