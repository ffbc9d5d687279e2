using MProxy.Engine.Link;

namespace MProxy.Engine;

/// <summary>One client on a link, at one of its ends. It is asked anew each time: what it says is as it is now.</summary>
public sealed class ClientConnection
{
    private readonly LinkConnection _link;
    private readonly LinkClient _client;
    private readonly TimeProvider _time;

    internal ClientConnection(LinkConnection link, LinkClient client, string owner, string device, TimeProvider time)
    {
        _link = link;
        _client = client;
        _time = time;
        Owner = owner;
        Device = device;
    }

    /// <summary>The identity on the wire: <c>IPv4,127.0.0.1,4321</c>.</summary>
    public string SocketId => _client.SocketId;

    /// <summary>What the client came for: <c>tcp</c>.</summary>
    public string Service => _client.Meta.Service ?? "";

    /// <summary>The relay's port that the client came to.</summary>
    public int? ServicePort => _client.Meta.ServicePort;

    /// <summary>The server name that the client asked for; empty where it named none.</summary>
    public string Name => _client.Meta.Name ?? "";

    /// <summary>The client's address.</summary>
    public string Address => _client.Meta.Address ?? "";

    /// <summary>The client's port.</summary>
    public int? Port => _client.Meta.Port;

    /// <summary>Which link carries it: on a relay that of a device, by carrier and address; elsewhere its name.</summary>
    public string Device { get; }

    /// <summary>The relay, tunnel or link that it was asked from, by name.</summary>
    public string Owner { get; }

    /// <summary>When it came.</summary>
    public DateTimeOffset OpenedAt => _client.OpenedAt;

    /// <summary>How long it has been there, however the clock was changed since.</summary>
    public TimeSpan Age => _time.GetElapsedTime(_client.Since);

    /// <summary>Bytes from the client towards the service: at a relay those sent over the link, at a device those that came.</summary>
    public long BytesIn => _link.Role == LinkRole.Relay ? _link.BytesOf(_client).Sent : _link.BytesOf(_client).Received;

    /// <summary>Bytes from the service to the client: at a relay those that came over the link, at a device those sent.</summary>
    public long BytesOut => _link.Role == LinkRole.Relay ? _link.BytesOf(_client).Received : _link.BytesOf(_client).Sent;

    /// <summary>Where it stands.</summary>
    public ConnectionState State => _link.StateOf(_client);

    /// <summary>Takes nothing more from either side. Bytes that are here are still delivered, and the client may still end. Nothing where it is over.</summary>
    public void Suspend() => _link.Suspend(_client);

    /// <summary>Undoes <see cref="Suspend"/>. Nothing where it was not suspended, and a slow reader stays slow.</summary>
    public void Resume() => _link.Resume(_client);

    /// <summary>Ends it at once: both of its connections are reset, and what waits is dropped. The other side of the link is told with E_STOPPED.</summary>
    public void Stop() => _link.Stop(_client);

    /// <inheritdoc/>
    public override string ToString() => SocketId;
}
