using MProxy.Engine.Link;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Relay;

/// <summary>A client of datagrams at the relay: an address that sends to one of its ports.</summary>
/// <param name="link">The link of its device.</param>
/// <param name="client">The client.</param>
/// <param name="port">The port that it came to.</param>
/// <param name="router">What holds for all clients of datagrams.</param>
/// <param name="key">What it is known by there.</param>
/// <param name="throttles">What holds it back: its way to the device, and back.</param>
internal sealed class DatagramClient(
    LinkConnection link, LinkClient client, DatagramReception port, DatagramRouter router, DatagramReception.ClientKey key, (ClientThrottle Up, ClientThrottle Down) throttles)
    : DatagramSink(link, client, router.Budget)
{
    private readonly AmplificationGuard _guard = new(canConfirm: !port.IsDns);
    private readonly RateBucket _rate = router.NewRate();
    private int _asked;

    /// <summary>The client sent a datagram.</summary>
    /// <returns>False where the link does not take it now.</returns>
    public bool Take(ReadOnlySpan<byte> datagram)
    {
        _guard.Received(datagram.Length);
        if (!_rate.TryTake(1))
        {
            router.Dropped(DatagramDrop.Rate, Client);
        }
        else if (throttles.Up.TrySpend(datagram.Length))
        {
            Interlocked.Increment(ref _asked);
            if (!TrySend(datagram))
            {
                Interlocked.Decrement(ref _asked);
                router.Dropped(DatagramDrop.Full, Client);
                return false;
            }
        }

        return true;
    }

    /// <summary>It is over, whatever its device has to say.</summary>
    public void End() => Link.End(Client);

    /// <inheritdoc/>
    public override void Over()
    {
        base.Over();
        port.Remove(key, this);
    }

    /// <inheritdoc/>
    protected override void Deliver(ReadOnlySpan<byte> datagram)
    {
        Answer(datagram);

        // A question that is answered is over: what its client takes up is needed for others.
        if (port.IsDns && Interlocked.Decrement(ref _asked) == 0)
        {
            Link.End(Client);
        }
    }

    private void Answer(ReadOnlySpan<byte> datagram)
    {
        if (!_guard.TrySend(datagram.Length, router.MaxAmplification))
        {
            router.Dropped(DatagramDrop.Amplification, Client);
            if (port.IsDns && DnsQuery.TryRead(datagram, out _) is { IsAnswer: true } answer && _guard.TrySend(answer.QuestionEnd, router.MaxAmplification))
            {
                port.Send(answer.ToTruncated(datagram), key.Address);
            }
        }
        else if (throttles.Down.TrySpend(datagram.Length))
        {
            port.Send(datagram, key.Address);
        }
    }
}
