namespace MProxy.Engine.Events;

/// <summary>Hands one event to several handlers.</summary>
public static class EventHandlers
{
    /// <summary>Calls each of them in turn. A handler's failure is its own: the others, and whoever tells, go on.</summary>
    /// <param name="handlers">The handlers; null for none.</param>
    /// <param name="sender">What the event is about.</param>
    /// <param name="happened">The event.</param>
    public static void CallEach(this EventHandler<Event>? handlers, object sender, Event happened)
    {
        foreach (var handler in handlers?.GetInvocationList() ?? [])
        {
            try
            {
                ((EventHandler<Event>)handler)(sender, happened);
            }
#pragma warning disable CA1031 // Whatever it is.
            catch (Exception)
#pragma warning restore CA1031
            {
            }
        }
    }
}
