namespace MProxy.Engine.Tests.Faults;

/// <summary>What becomes of one way of a connection, at a byte that chance has chosen.</summary>
internal enum Fault
{
    /// <summary>Nothing but splits and delays.</summary>
    None,

    /// <summary>Both ways are reset.</summary>
    Cut,

    /// <summary>It ends as if it were all, and nothing more goes the other way.</summary>
    Truncate,

    /// <summary>A bit of the byte is flipped.</summary>
    Corrupt,
}
