namespace MProxy.Engine.Link;

/// <summary>What clients come for, as the headers of their frames say it. Source: protocol.md, section 1.</summary>
internal static class ClientService
{
    public const string Tcp = "tcp";

    public const string Tls = "tls";

    public const string Https = "https";

    public const string Http = "http";

    public const string Ssh = "ssh";

    /// <summary>Datagrams.</summary>
    public const string Udp = "udp";

    /// <summary>DNS over UDP: datagrams as well, whose name is that of the question.</summary>
    public const string Dns = "dns";

    /// <summary>DNS over TCP.</summary>
    public const string DnsOverTcp = "dns-tcp";

    /// <summary>Each frame of such a client is one datagram.</summary>
    public static bool IsDatagram(string? service) => service is Udp or Dns;

    /// <summary>Each frame of such a client is a piece of a stream. Of names that are unknown here neither is said.</summary>
    public static bool IsStream(string? service) => service is Tcp or Tls or Https or Http or Ssh or DnsOverTcp;

    /// <summary>How many of so many clients may be of datagrams: their addresses can be made up, and leave half of the room to those who have shaken hands.</summary>
    public static int DatagramShare(int most) => most - (most / 2);
}
