using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>
/// Whose frame goes next: shares are fair in bytes (self-clocked fair queueing). A frame's turn is that of the frame that was
/// taken last, and its own bytes more; the least goes first. So a keystroke goes ahead of bulk transfers, however many they are, and none of them is
/// ahead of another by more than a frame. Every client has at most one frame waiting; a paused or suspended client's waits outside.
/// </summary>
/// <param name="traffic">Where the bytes of frames that are taken are counted.</param>
internal sealed class TurnQueue(LinkTraffic traffic)
{
    private readonly PriorityQueue<LinkClient, long> _queue = new();

    // The turn of the frame that was taken last. Whoever offers one starts here: silence saves nothing up.
    private long _now;

    /// <summary>A client has a frame to send; its memory is the client's own until the frame is taken or the client is closed.</summary>
    /// <returns>True where there is something to gather now.</returns>
    public bool Offer(LinkClient client, ReadOnlyMemory<byte> frame)
    {
        client.Pending = frame;
        return Enqueue(client);
    }

    /// <summary>A client may go on, unless something else holds it.</summary>
    public bool Resume(LinkClient client) => !client.Pending.IsEmpty && Enqueue(client);

    /// <summary>Copies the next frame where it fits. Null where none waits or the next does not fit.</summary>
    public LinkClient? MoveNext(Span<byte> target, out int length)
    {
        while (_queue.TryPeek(out var client, out var turn))
        {
            // Closed, or paused or suspended since it queued: it comes back with the resume.
            if (client.IsClosed || client.IsHeld || client.Pending.IsEmpty)
            {
                client.IsQueued = false;
                _queue.Dequeue();
                continue;
            }

            length = client.Pending.Length;
            if (length > target.Length)
            {
                length = 0;
                return null;
            }

            client.IsQueued = false;
            _queue.Dequeue();
            _now = turn;
            client.Pending.Span.CopyTo(target);
            client.Pending = default;

            // The second byte of a frame is the length of its header.
            var count = length - WireFormat.PreambleLength - target[1];
            client.BytesSent += count;
            traffic.WasSent(count);
            return client;
        }

        length = 0;
        return null;
    }

    private bool Enqueue(LinkClient client)
    {
        if (client.IsHeld || client.IsQueued)
        {
            return false;
        }

        client.IsQueued = true;
        _queue.Enqueue(client, _now + client.Pending.Length);
        return true;
    }
}
