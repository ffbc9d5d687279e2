namespace MProxy.Engine.Link;

/// <summary>What became of a client at one link.</summary>
internal enum OpenResult
{
    /// <summary>It is on the link.</summary>
    Opened,

    /// <summary>The link is not up, or wants no new clients.</summary>
    Unavailable,

    /// <summary>A client of the same identity is on the link.</summary>
    Duplicate,

    /// <summary>Frames of a client of the same identity, which is over, may still come.</summary>
    HeldBack,

    /// <summary>The link has as many clients as it may.</summary>
    Full,
}
