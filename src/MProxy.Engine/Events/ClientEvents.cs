using System.Globalization;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Events;

/// <summary>Tells of clients of a link that come and go, of each first that it came. May be told with any lock held; costs next to nothing unwatched.</summary>
internal static class ClientEvents
{
    /// <summary>A client has come.</summary>
    /// <param name="events">Where that is told.</param>
    /// <param name="source">Which relay or link has it.</param>
    /// <param name="client">The client.</param>
    /// <param name="device">The link it goes to; null where that is the source.</param>
    public static void Opened(EventFeed events, string source, LinkClient client, string? device = null)
    {
        client.IsAnnounced = events.TryBeginClient();
        if (client.IsAnnounced)
        {
            var meta = client.Meta;
            var socketId = client.SocketId;
            events.RaiseOfClient(EventKind.ClientOpened, source, () => $"{Who(meta, socketId)} has come{(device is null ? "" : $" and goes to {device}")}.", null, socketId);
        }
    }

    /// <summary>A client is over.</summary>
    /// <param name="events">Where that is told.</param>
    /// <param name="source">Which relay or link had it.</param>
    /// <param name="client">The client.</param>
    /// <param name="time">The clock.</param>
    public static void Closed(EventFeed events, string source, LinkClient client, TimeProvider time)
    {
        if (client.IsAnnounced)
        {
            var (meta, socketId, seconds) = (client.Meta, client.SocketId, time.GetElapsedTime(client.Since).TotalSeconds);
            var (received, sent) = (client.BytesReceived, client.BytesSent);
            events.RaiseOfClient(
                EventKind.ClientClosed, source,
                () => string.Create(CultureInfo.InvariantCulture, $"{Who(meta, socketId)} is over after {seconds:0.0} s: {received} bytes received over the link, {sent} sent."),
                client.EndCode, socketId);
        }
    }

    /// <summary>A client was turned away.</summary>
    /// <param name="events">Where that is told.</param>
    /// <param name="source">Which relay did.</param>
    /// <param name="client">The client.</param>
    /// <param name="reason">Why, in one of a few fixed texts.</param>
    public static void Refused(EventFeed events, string source, in FrameMeta client, string reason)
    {
        if (events.TryBeginClient())
        {
            var socketId = ClientIdentity.ToSocketId(client);
            var meta = client;
            events.RaiseOfClient(EventKind.ClientRefused, source, () => $"{Who(meta, socketId)} is refused: {reason}.", null, socketId);
        }
    }

    private static string Who(in FrameMeta client, string socketId) => $"{client.Service ?? "tcp"} client {socketId}{(client.ServicePort is { } port ? $" of port {port}" : "")}";
}
