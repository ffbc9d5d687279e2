namespace MProxy.Engine.Routing;

/// <summary>How far a ClientHello is.</summary>
internal enum ClientHelloStatus
{
    /// <summary>More bytes have to come.</summary>
    Incomplete,

    /// <summary>It is here, with or without a name.</summary>
    Complete,

    /// <summary>It will never be one, whatever comes.</summary>
    Malformed,
}
