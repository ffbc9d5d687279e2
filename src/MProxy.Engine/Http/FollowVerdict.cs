namespace MProxy.Engine.Http;

/// <summary>What may be done with the bytes of a client that is followed.</summary>
internal enum FollowVerdict
{
    /// <summary>All of them may be sent on.</summary>
    Go,

    /// <summary>What is not allowed yet is the start of a head: show it again, with more behind it.</summary>
    More,

    /// <summary>A switch of protocols is pending: show the rest again when the answer is known.</summary>
    Wait,

    /// <summary>The connection must end behind what is allowed.</summary>
    Stop,
}
