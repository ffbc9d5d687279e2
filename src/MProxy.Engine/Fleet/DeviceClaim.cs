namespace MProxy.Engine.Fleet;

/// <summary>A device, known by the id of its token, at the relays of a fleet.</summary>
/// <param name="Id">The id.</param>
/// <param name="Session">
/// Which of the machines that may have its token: the links of one session belong together, and those of a later one take over from them.
/// </param>
/// <param name="Generation">The higher, the later the session. 0 where it is not known yet.</param>
public sealed record DeviceClaim(string Id, string Session, long Generation);
