using MProxy.Engine.Link;

namespace MProxy.Engine.Relay;

/// <summary>Makes this relay's end of a client that is on a link now, as <see cref="ClientJoin"/> does for one link alone. Called with the link's lock held.</summary>
/// <param name="link">The link.</param>
/// <param name="connection">Its connection.</param>
/// <param name="client">The client.</param>
internal delegate (ClientSink Sink, Func<Task>? Run) DeviceJoin(IClientLink link, LinkConnection connection, LinkClient client);
