namespace MProxy.Protocol;

/// <summary>What a header says of a client, for packing. Absent fields are null and become empty fields on the wire.</summary>
public readonly record struct FrameMeta
{
    /// <summary><c>IPv4</c> or <c>IPv6</c>.</summary>
    public string? Family { get; init; }

    /// <summary>The remote client's IP address as text.</summary>
    public string? Address { get; init; }

    /// <summary>The client's source port; 0 is kept.</summary>
    public int? Port { get; init; }

    /// <summary>The service: <c>https</c>, <c>http</c>, <c>ssh</c>, … or <c>tls</c>, <c>tcp</c>, <c>udp</c>.</summary>
    public string? Service { get; init; }

    /// <summary>The port the client came in on; 0 is written as absent.</summary>
    public int? ServicePort { get; init; }

    /// <summary>Server name, host, ….</summary>
    public string? Name { get; init; }
}
