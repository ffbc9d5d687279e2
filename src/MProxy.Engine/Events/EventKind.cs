namespace MProxy;

/// <summary>What happened to a relay, a link or a tunnel.</summary>
public enum EventKind
{
    /// <summary>A link is up: both sides have greeted, and the tokens were accepted.</summary>
    LinkUp,

    /// <summary>A link was lost; the message says why, and when the next try is.</summary>
    LinkLost,

    /// <summary>A relay refused for good; nobody tries again. At a relay: somebody came who is no device; of a flood, 10 a second are told.</summary>
    LinkRefused,

    /// <summary>What a link may serve has changed.</summary>
    GrantsChanged,

    /// <summary>A client has come. Of more than 100 a second the others are told of in no event.</summary>
    ClientOpened,

    /// <summary>A client is over. The code says why where it did not end in order.</summary>
    ClientClosed,

    /// <summary>A client was turned away before a byte of it flowed. Of a flood, 100 a second are told.</summary>
    ClientRefused,

    /// <summary>The peer reported an error that answers nothing.</summary>
    PeerError,

    /// <summary>A local service cannot be reached, or is not to be trusted. Said once, until it can be reached again.</summary>
    ServiceFailed,

    /// <summary>A local service is up, down or draining from now on, so that it gets new clients again, or none.</summary>
    ServiceHealthChanged,

    /// <summary>A capture has stopped before its link: it is full, or cannot be written.</summary>
    CaptureStopped,

    /// <summary>An access log cannot be written. It goes on by itself when it can; the lines until then are missing.</summary>
    AccessLogFailed,

    /// <summary>The directory of the fleet cannot be reached, or has another relay under this one's name. Said once, until it can.</summary>
    DirectoryLost,

    /// <summary>The relay is in its fleet, for the first time or again.</summary>
    DirectoryFound,

    /// <summary>The link to another relay of the fleet was lost, or it cannot be reached: its devices' clients are refused here meanwhile.</summary>
    PeerLost,

    /// <summary>No new clients come; those there are may finish.</summary>
    Draining,

    /// <summary>Everything has ended.</summary>
    Stopped,
}
