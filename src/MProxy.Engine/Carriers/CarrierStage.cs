namespace MProxy.Engine.Carriers;

/// <summary>How far a carrier came before it failed.</summary>
public enum CarrierStage
{
    /// <summary>No connection: to the relay, to a proxy, or through it.</summary>
    Connect,

    /// <summary>The TLS handshake, certificates included.</summary>
    Tls,

    /// <summary>The WebSocket upgrade.</summary>
    Upgrade,
}
