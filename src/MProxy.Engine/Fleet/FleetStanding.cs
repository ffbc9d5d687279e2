namespace MProxy.Engine.Fleet;

/// <summary>How a directory stands with a relay.</summary>
public enum FleetStanding
{
    /// <summary>It knows the relay, and what that has told.</summary>
    Known,

    /// <summary>It knew nothing of the relay: whatever the relay serves has to be told anew.</summary>
    New,

    /// <summary>A later relay of the same name has joined. Nothing that this one says is taken.</summary>
    Superseded,
}
