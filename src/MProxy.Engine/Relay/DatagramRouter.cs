using System.Net;
using MProxy.Engine.Link;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>Brings clients of datagrams to devices. They have no connection that could be refused: those that go nowhere are counted, and dropped.</summary>
internal sealed class DatagramRouter(RelaySettings settings, ClientRouter router, Action<LinkClient?, string> dropped, TimeProvider time)
{
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(2);

    private volatile bool _isClosed;

    /// <summary>What may wait for links.</summary>
    public DatagramBudget Budget { get; } = new(DatagramBudget.OfAll);

    /// <summary>How many times its own bytes a client is sent before it has shown that it gets answers.</summary>
    public double MaxAmplification => settings.Limits.MaxAmplification;

    /// <summary>What one client may send, in datagrams.</summary>
    public RateBucket NewRate() => new(() => settings.Limits.DatagramsPerSecond, Burst, time);

    /// <summary>A datagram goes nowhere.</summary>
    /// <param name="reason">One of <see cref="DatagramDrop"/>.</param>
    /// <param name="client">Whose it is, where that is known.</param>
    public void Dropped(string reason, LinkClient? client = null) => dropped(client, reason);

    /// <summary>No new clients.</summary>
    public void Close() => _isClosed = true;

    /// <summary>Brings a new client to the first device that takes it.</summary>
    /// <returns>Why none did; null where it is there.</returns>
    public ClientRefusal? Open(in FrameMeta meta, IPEndPoint remote, Func<IClientLink, LinkConnection, LinkClient, DatagramClient> join)
    {
        var refusal = _isClosed ? ClientRefusal.Closing : router.Admit(meta, remote, isDatagram: true, (link, connection, client) => (join(link, connection, client), null), out _);
        if (refusal is not null)
        {
            router.Count(refusal, meta);
        }

        return refusal;
    }
}
