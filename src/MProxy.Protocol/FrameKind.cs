namespace MProxy;

/// <summary>What a frame is for. Any service that is no verb makes a <see cref="Message"/>. Source: protocol.md, section 1.</summary>
public enum FrameKind
{
    /// <summary>Bytes of one client.</summary>
    Message,

    /// <summary>A client arrived; its service stands in the eighth header field.</summary>
    Connection,

    /// <summary>The back channel between relay and device; has no address.</summary>
    Control,

    /// <summary>The sender sends nothing more for this client.</summary>
    End,

    /// <summary>Both directions of this client are closed at once.</summary>
    Error,

    /// <summary>Stop sending for this client.</summary>
    Pause,

    /// <summary>Go on sending for this client.</summary>
    Resume,
}
