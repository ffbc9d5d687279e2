using System.Net;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Protocol;

namespace MProxy.Engine.Fleet;

/// <summary>A client that another relay has brought, on its way to a device of this one.</summary>
internal sealed class HopGuest
{
    private readonly LinkConnection _link;
    private readonly LinkClient _client;
    private readonly DatagramBudget _budget;
    private readonly Action _dropped;
    private readonly HopPump? _pump;
    private readonly HopDatagrams? _datagrams;
    private HopDatagrams? _datagramsAtDevice;

    public HopGuest(LinkConnection link, LinkClient client, IPEndPoint endPoint, DatagramBudget budget, Action dropped)
    {
        (_link, _client, EndPoint, _budget, _dropped) = (link, client, endPoint, budget, dropped);
        _pump = client.IsDatagram ? null : new HopPump(link, client);
        _datagrams = client.IsDatagram ? new HopDatagrams(link, client, budget, dropped) : null;
    }

    /// <summary>Where the client comes from.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Who it is, and what it is for.</summary>
    public FrameMeta Meta => _client.Meta;

    public bool IsDatagram => _client.IsDatagram;

    /// <summary>It is over before it came to a device.</summary>
    public bool IsOver => _client.IsClosed;

    /// <summary>Makes its end on a device's link. Called with that link's lock held.</summary>
    public (ClientSink Sink, Func<Task>? Run) Join(IClientLink device, LinkConnection connection, LinkClient client)
    {
        var (up, down) = device.NewThrottles(client);
        if (_pump is not null)
        {
            // What comes over the link of a relay is on its way up, and so on.
            _pump.Throttle = up;
            var atDevice = new HopPump(connection, client) { Throttle = down };
            _pump.JoinWith(atDevice);
            return (atDevice, atDevice.RunAsync);
        }

        _datagrams!.Throttle = up;
        _datagramsAtDevice = new HopDatagrams(connection, client, _budget, _dropped) { Throttle = down };
        _datagrams.JoinWith(_datagramsAtDevice);
        return (_datagramsAtDevice, null);
    }

    /// <summary>Gives the client its end on the link to the other relay, which keeps what comes before it is joined. Called with that link's lock held.</summary>
    public void Hold()
    {
        if (_pump is not null)
        {
            _link.Hold(_client, _pump);
        }
        else
        {
            _client.Sink = _datagrams;
        }
    }

    /// <summary>It is on a device's link: the other relay is told, and its bytes flow.</summary>
    public void Start()
    {
        _link.Accept(_client);
        if (_pump is not null)
        {
            _link.Run(_pump, _pump.RunAsync);
            return;
        }

        _datagrams!.SendEarly();
        if (_datagrams.IsOver)
        {
            _datagramsAtDevice!.End();
        }
    }

    /// <summary>No device takes it.</summary>
    public void Refuse(string code, string reason)
    {
        _link.Fail(_client, code, reason);
        if (_pump is not null)
        {
            _link.Run(_pump, _pump.DropAsync);
        }
    }
}
