namespace MProxy;

/// <summary>Who a client is: the remote end of its socket, and the local port it came in on.</summary>
public sealed class SocketAddress
{
    internal SocketAddress(string? family, string? address, int? port, int? servicePort)
    {
        Family = family;
        Address = address;
        Port = port;
        ServicePort = servicePort;
    }

    /// <summary><c>IPv4</c> or <c>IPv6</c>.</summary>
    public string? Family { get; }

    /// <summary>The remote address as text.</summary>
    public string? Address { get; }

    /// <summary>The remote port.</summary>
    public int? Port { get; }

    /// <summary>The local port, where one is known.</summary>
    public int? ServicePort { get; }

    /// <summary>The identity on the wire: <c>IPv4,127.0.0.1,4321</c>.</summary>
    public override string ToString() => $"{Family},{Address},{Port}";
}
