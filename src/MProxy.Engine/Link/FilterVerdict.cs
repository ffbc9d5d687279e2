namespace MProxy.Engine.Link;

/// <summary>What may be done with the bytes of a client that is filtered.</summary>
internal enum FilterVerdict
{
    /// <summary>All of them may be sent on.</summary>
    Go,

    /// <summary>What is not allowed yet is unfinished: show it again, with more behind it.</summary>
    More,

    /// <summary>The other side has to answer first: show the rest again when it has.</summary>
    Wait,

    /// <summary>The connection must end behind what is allowed.</summary>
    Stop,
}
