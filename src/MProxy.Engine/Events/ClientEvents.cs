using System.Globalization;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Events;

/// <summary>Tells of clients of a link that come and go. May be told with any lock held; without a handler nothing is put into words.</summary>
internal static class ClientEvents
{
    /// <summary>A client has come.</summary>
    /// <param name="events">Where that is told.</param>
    /// <param name="source">Which relay or link has it.</param>
    /// <param name="client">The client.</param>
    /// <param name="device">The link it goes to; null where that is the source.</param>
    public static void Opened(EventFeed events, string source, LinkClient client, string? device = null)
    {
        client.IsAnnounced = true;
        if (events.IsWatched)
        {
            events.Raise(EventKind.ClientOpened, source, $"{Who(client.Meta, client.SocketId)} has come{(device is null ? "" : $" and goes to {device}")}.", socketId: client.SocketId);
        }
    }

    /// <summary>A client is over.</summary>
    /// <param name="events">Where that is told.</param>
    /// <param name="source">Which relay or link had it.</param>
    /// <param name="client">The client.</param>
    /// <param name="time">The clock.</param>
    public static void Closed(EventFeed events, string source, LinkClient client, TimeProvider time)
    {
        if (client.IsAnnounced && events.IsWatched)
        {
            var seconds = time.GetElapsedTime(client.Since).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
            events.Raise(
                EventKind.ClientClosed, source,
                $"{Who(client.Meta, client.SocketId)} is over after {seconds} s: {client.BytesReceived} bytes received over the link, {client.BytesSent} sent.",
                client.EndCode, client.SocketId);
        }
    }

    /// <summary>A client was turned away.</summary>
    /// <param name="events">Where that is told.</param>
    /// <param name="source">Which relay did.</param>
    /// <param name="client">The client.</param>
    /// <param name="reason">Why, in one of a few fixed texts.</param>
    public static void Refused(EventFeed events, string source, in FrameMeta client, string reason)
    {
        if (events.IsWatched)
        {
            var socketId = ClientIdentity.ToSocketId(client);
            events.Raise(EventKind.ClientRefused, source, $"{Who(client, socketId)} is refused: {reason}.", socketId: socketId);
        }
    }

    private static string Who(in FrameMeta client, string socketId) => $"{client.Service ?? "tcp"} client {socketId}{(client.ServicePort is { } port ? $" of port {port}" : "")}";
}
