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
    /// <param name="meta">Who it is, and what it is for.</param>
    /// <param name="remote">Where it comes from.</param>
    /// <param name="join">Makes its end at this side.</param>
    /// <param name="refusal">Why none did; null where it is there.</param>
    /// <returns>False where others have to be asked first whether they have its device: <see cref="PrepareAsync"/>.</returns>
    public bool TryOpen(in FrameMeta meta, IPEndPoint remote, Func<IClientLink, LinkConnection, LinkClient, DatagramClient> join, out ClientRefusal? refusal)
    {
        DeviceJoin joined = (link, connection, client) => (join(link, connection, client), null);
        if (_isClosed)
        {
            refusal = ClientRefusal.Closing;
        }
        else if (router.Fleet is not { } fleet)
        {
            refusal = router.Admit(meta, remote, isDatagram: true, joined, out _);
        }
        else if (!fleet.TryAdmit(meta, remote, joined, out refusal))
        {
            return false;
        }

        if (refusal is not null)
        {
            router.Count(refusal, meta);
        }

        return true;
    }

    /// <summary>Asks where its device is.</summary>
    public Task PrepareAsync(FrameMeta meta, CancellationToken cancellationToken) => router.Fleet!.PrepareAsync(meta, cancellationToken);
}
