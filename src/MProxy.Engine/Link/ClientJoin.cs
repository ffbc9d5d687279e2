namespace MProxy.Engine.Link;

/// <summary>Makes this side's end of a client that is on a link now. Called with the link's lock held.</summary>
/// <param name="link">The link.</param>
/// <param name="client">The client.</param>
/// <returns>The end, and what carries its bytes from then on where that is a pump.</returns>
internal delegate (ClientSink Sink, Func<Task>? Run) ClientJoin(LinkConnection link, LinkClient client);
