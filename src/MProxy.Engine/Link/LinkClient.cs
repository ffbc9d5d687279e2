using System.Text;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>One client on a link, as the link's state machine sees it. Guarded by the link's lock.</summary>
internal sealed class LinkClient
{
    internal LinkClient(in FrameMeta meta)
    {
        Meta = meta;
        SocketId = $"{meta.Family},{meta.Address},{meta.Port}";
        Identity = Encoding.UTF8.GetBytes(SocketId);

        // The header of every message of this client, made once; too long a name is refused here, before a byte flows.
        Message = new HeaderTemplate(FrameKind.Message, meta);
        _ = Message.Measure(int.MaxValue);
    }

    public FrameMeta Meta { get; }

    public string SocketId { get; }

    /// <summary>The client's key on the wire; see <see cref="FrameHeader.Identity"/>.</summary>
    public byte[] Identity { get; }

    public HeaderTemplate Message { get; }

    /// <summary>The next client of the same hash in the table.</summary>
    public LinkClient? Next { get; set; }

    /// <summary>Bytes received that the local socket has not taken yet.</summary>
    public long Waiting { get; set; }

    public long BytesReceived { get; set; }

    /// <summary>We asked the peer to pause.</summary>
    public bool HasPausedPeer { get; set; }

    /// <summary>The peer asked us to pause.</summary>
    public bool IsPausedByPeer { get; set; }

    public bool EndSent { get; set; }

    public bool EndReceived { get; set; }

    /// <summary>No frame of this client goes out or is taken in any more.</summary>
    public bool IsClosed { get; set; }

    /// <summary>What waits for the client is dropped: it did not end in order.</summary>
    public bool HasFailed { get; set; }

    /// <summary>What the driver keeps with the client.</summary>
    public ClientPump? Pump { get; set; }
}
