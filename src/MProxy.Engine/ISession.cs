using MProxy.Engine.Link;

namespace MProxy.Engine;

/// <summary>A relay, a link or a tunnel: what a script starts under a name, and stops.</summary>
public interface ISession : IDrainable, IAsyncDisposable
{
    /// <summary>
    /// What happens to it, to its links and to their clients. Handlers run on the pool, one event at a time; the first gets what came before it too.
    /// </summary>
    event EventHandler<Event>? EventRaised;

    /// <summary>Its name in this session.</summary>
    string Name { get; }

    /// <summary>Done when it has ended for good, whether it was stopped or not.</summary>
    Task Ended { get; }

    /// <summary>Why it has ended without being stopped; null where it has not, or where it ended in order.</summary>
    LinkException? Failure { get; }

    /// <summary>What happened and was in no event: clients beyond 100 in a second, and what peers alone brought about beyond 10.</summary>
    long UntoldEventCount { get; }

    /// <summary>Done when handlers have had all events that were raised so far.</summary>
    Task EventsHandedOut { get; }
}
