namespace MProxy.Trials.Load;

/// <summary>What became of clients.</summary>
internal sealed class CrowdCount
{
    private long _whole;
    private long _gone;
    private long _brokenOff;

    /// <summary>Had all of their bytes.</summary>
    public long Whole => Interlocked.Read(ref _whole);

    /// <summary>Went in the middle.</summary>
    public long Gone => Interlocked.Read(ref _gone);

    /// <summary>Were cut off, and knew it.</summary>
    public long BrokenOff => Interlocked.Read(ref _brokenOff);

    public void Add(bool isWhole, bool isCutByItself) => Interlocked.Increment(ref isWhole ? ref _whole : ref isCutByItself ? ref _gone : ref _brokenOff);
}
