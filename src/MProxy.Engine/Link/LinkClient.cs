using System.Text;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>One client on a link, as the link's state machine sees it. Guarded by the link's lock.</summary>
internal sealed class LinkClient
{
    private readonly byte[] _name;
    private volatile string[] _limitedBy = [];

    internal LinkClient(in FrameMeta meta)
    {
        Meta = meta;
        IsDatagram = ClientService.IsDatagram(meta.Service);
        SocketId = ClientIdentity.ToSocketId(meta);
        Identity = Encoding.UTF8.GetBytes(SocketId);
        _name = Encoding.UTF8.GetBytes(meta.Name ?? "");

        // The header of every message of this client, made once; too long a name is refused here, before a byte flows.
        Message = new HeaderTemplate(FrameKind.Message, meta);
        _ = Message.Measure(int.MaxValue);
    }

    public FrameMeta Meta { get; }

    /// <summary>One frame is one datagram: whole, in order, and dropped rather than held up.</summary>
    public bool IsDatagram { get; set; }

    public string SocketId { get; }

    /// <summary>The client's key on the wire; see <see cref="FrameHeader.Identity"/>.</summary>
    public byte[] Identity { get; }

    public HeaderTemplate Message { get; }

    /// <summary>The next client of the same hash in the table.</summary>
    public LinkClient? Next { get; set; }

    /// <summary>Header and body of the frame that waits for its turn; empty where none does.</summary>
    public ReadOnlyMemory<byte> Pending { get; set; }

    /// <summary>Stands in the queue of turns.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Bytes received that the local side has not taken yet.</summary>
    public long Waiting { get; set; }

    public long BytesReceived { get; set; }

    /// <summary>Bytes received that the local side has taken.</summary>
    public long BytesDelivered => BytesReceived - Waiting;

    /// <summary>Bytes of frames that the writer has taken.</summary>
    public long BytesSent { get; set; }

    public DateTimeOffset OpenedAt { get; init; }

    /// <summary>The same as a timestamp, which no change of the clock moves.</summary>
    public long Since { get; init; }

    /// <summary>Since when nothing moves, as a timestamp; 0 where nobody has looked yet.</summary>
    public long IdleSince { get; set; }

    /// <summary>What had moved when somebody looked last, in bytes.</summary>
    public long MovedBefore { get; set; }

    /// <summary>More waits than the high mark, or has, and not yet as little as the low mark.</summary>
    public bool IsFull { get; set; }

    /// <summary>The operator wants nothing more to be taken from either side.</summary>
    public bool IsSuspended { get; set; }

    /// <summary>We asked the peer to pause.</summary>
    public bool HasPausedPeer => IsFull || IsSuspended;

    /// <summary>The peer asked us to pause.</summary>
    public bool IsPausedByPeer { get; set; }

    /// <summary>The frame that waits for its turn does so outside of the queue.</summary>
    public bool IsHeld => IsPausedByPeer || IsSuspended;

    public bool EndSent { get; set; }

    public bool EndReceived { get; set; }

    /// <summary>No frame of this client goes out or is taken in any more.</summary>
    public bool IsClosed { get; set; }

    /// <summary>What waits for the client is dropped: it did not end in order.</summary>
    public bool HasFailed { get; set; }

    /// <summary>Why it did not end in order, as an error code; null where it did, or goes on.</summary>
    public string? EndCode { get; set; }

    /// <summary>The limits that struck it, each once.</summary>
    public IReadOnlyList<string> LimitedBy => _limitedBy;

    /// <summary>Whoever watches was told that it has come, and will be that it is over.</summary>
    public bool IsAnnounced { get; set; }

    /// <summary>It is over on the link and at its local end, and whoever is behind the link was told.</summary>
    public bool IsOver { get; set; }

    /// <summary>Where the client's data goes on this side.</summary>
    public ClientSink? Sink { get; set; }

    /// <summary>A limit struck it. From any thread.</summary>
    public void NoteLimit(string limit)
    {
        lock (_name)
        {
            if (!_limitedBy.Contains(limit))
            {
                _limitedBy = [.. _limitedBy, limit];
            }
        }
    }

    /// <summary>A header that names this client names its port and name too, or leaves them out.</summary>
    public bool Matches(in FrameHeader header) =>
        (header.ServicePort is null || header.ServicePort == Meta.ServicePort)
        && (header.Name.IsEmpty || header.Name.SequenceEqual(_name));
}
