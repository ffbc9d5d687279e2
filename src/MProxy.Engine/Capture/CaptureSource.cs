namespace MProxy.Engine.Capture;

/// <summary>Where a frame was seen.</summary>
/// <param name="Connection">The connection, counted from 1: links may share a name, and a link that comes back keeps its own.</param>
/// <param name="Link">The link, by carrier and address.</param>
/// <param name="Direction"><c>in</c> or <c>out</c>, as seen from this side.</param>
internal sealed record CaptureSource(int Connection, string Link, string Direction)
{
    public const string In = "in";
    public const string Out = "out";
}
