namespace MProxy.Engine.Http;

/// <summary>What bytes are, as the start of a request.</summary>
internal enum HttpHeadStatus
{
    /// <summary>Nothing wrong so far; more must come.</summary>
    Incomplete,

    /// <summary>A whole head is there.</summary>
    Complete,

    /// <summary>Whatever follows, it is no request.</summary>
    Malformed,
}
