namespace MProxy.Engine.Fleet;

/// <summary>Who is told how a relay stands in its fleet. Called on any thread: take note and return.</summary>
internal interface IFleetHost
{
    /// <summary>The directory cannot be reached. Said once, until it can.</summary>
    void DirectoryLost(string reason);

    /// <summary>The directory was reached for the first time, or again.</summary>
    void DirectoryFound();

    /// <summary>The directory has answered, and what other relays say of themselves is fresh.</summary>
    /// <param name="isAnew">It may have forgotten what it was told.</param>
    /// <param name="revokedVersion">Another number than before says that other ids of tokens are refused.</param>
    void Beaten(bool isAnew, long revokedVersion);

    /// <summary>A part of what the directory was told is to be told again.</summary>
    /// <param name="isDue">Whether a key is of that part.</param>
    void Renew(Func<string, bool> isDue);

    /// <summary>This process stood still for so long that others took it for gone.</summary>
    void WasAway();

    /// <summary>A later relay of the same name has joined. Said once.</summary>
    void Superseded();
}
