using MProxy.Engine.Access;
using MProxy.Engine.Events;
using MProxy.Engine.Link;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>Notes who came to a relay and what became of it: in its access log and among its events.</summary>
/// <param name="owner">The relay, by name.</param>
/// <param name="log">The log; null writes none.</param>
/// <param name="events">The events.</param>
/// <param name="time">The clock.</param>
internal sealed class ClientRecords(string owner, AccessLog? log, EventFeed events, TimeProvider time)
{
    /// <summary>Refusals per second that are written: whoever floods a relay must not write its log, nor rotate away what was there.</summary>
    private const int RefusalsPerSecond = 100;

    private readonly RateBucket _refusals = new(() => RefusalsPerSecond, TimeSpan.FromSeconds(2), time);
    private long _skipped;

    /// <summary>Refusals that were left out, since too many came.</summary>
    public long Skipped => Interlocked.Read(ref _skipped);

    /// <summary>A client goes to a device.</summary>
    /// <param name="client">The client.</param>
    /// <param name="device">Which link carries it.</param>
    public void Opened(LinkClient client, string device) => ClientEvents.Opened(events, owner, client, device);

    /// <summary>A client of a link is over.</summary>
    /// <param name="client">The client.</param>
    /// <param name="device">Which link carried it.</param>
    public void Ended(LinkClient client, string device)
    {
        ClientEvents.Closed(events, owner, client, time);
        log?.Write(Record(client.Meta, client.OpenedAt) with
        {
            Device = device,
            BytesIn = client.BytesSent,
            BytesOut = client.BytesReceived,
            Duration = time.GetElapsedTime(client.Since),
            End = client.EndCode ?? AccessRecord.InOrder,
            LimitedBy = client.LimitedBy,
        });
    }

    /// <summary>A client was turned away.</summary>
    public void Refused(in FrameMeta client, ClientRefusal refusal)
    {
        // One that was gone at once has no address to tell.
        if (client.Address is null)
        {
            return;
        }

        ClientEvents.Refused(events, owner, client, refusal.Reason);
        if (log is null)
        {
            return;
        }

        if (_refusals.TryTake(1))
        {
            log.Write(Record(client, time.GetUtcNow()) with { End = AccessRecord.Refused, Reason = refusal.Reason });
        }
        else
        {
            Interlocked.Increment(ref _skipped);
        }
    }

    private AccessRecord Record(in FrameMeta client, DateTimeOffset came) => new()
    {
        Time = came,
        Owner = owner,
        SocketId = ClientIdentity.ToSocketId(client),
        Address = client.Address,
        Port = client.Port,
        Service = client.Service,
        ServicePort = client.ServicePort,
        Name = client.Name,
        End = AccessRecord.InOrder,
    };
}
