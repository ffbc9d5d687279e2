using System.Net;
using MProxy.Engine.Access;
using MProxy.Engine.Capture;
using MProxy.Engine.Carriers;
using MProxy.Engine.Fleet;
using MProxy.Engine.Link;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Relay;

/// <summary>What a relay does.</summary>
public sealed record RelayOptions
{
    /// <summary>Its name in this session.</summary>
    public required string Name { get; init; }

    /// <summary>Where devices come in.</summary>
    public IReadOnlyList<CarrierUri> Listen { get; init; } = [];

    /// <summary>Streams that lead to a device each.</summary>
    public IReadOnlyList<Stream> Streams { get; init; } = [];

    /// <summary>Certificates, and how long a handshake may take: that of a device, and what a client says before it can be brought to one.</summary>
    public ListenOptions Carrier { get; init; } = new();

    /// <summary>Ports for clients of raw TCP, 0 to 65535; 0 lets the system choose. They are open as long as the relay is.</summary>
    public IReadOnlyList<int> TcpPort { get; init; } = [];

    /// <summary>Ports for clients of TLS, 0 to 65535: each goes to the devices of the server name that it asks for, and its TLS ends there.</summary>
    public IReadOnlyList<int> TlsPort { get; init; } = [];

    /// <summary>Ports for clients of HTTP/1.x, 0 to 65535: each goes to the devices of its host.</summary>
    public IReadOnlyList<int> HttpPort { get; init; } = [];

    /// <summary>Ports for clients of all kinds, 0 to 65535, told apart by what they say first.</summary>
    public IReadOnlyList<int> MixedPort { get; init; } = [];

    /// <summary>Ports for clients of UDP, 0 to 65535.</summary>
    public IReadOnlyList<int> UdpPort { get; init; } = [];

    /// <summary>Ports for clients of DNS, 0 to 65535, over UDP and TCP: each goes to the devices of the name of its question.</summary>
    public IReadOnlyList<int> DnsPort { get; init; } = [];

    /// <summary>How long a client of a mixed port may say nothing before it counts as one of raw TCP, whose server speaks first.</summary>
    public TimeSpan FirstByteTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Who may come, how many, and how much they may move.</summary>
    public RelayLimits Limits { get; init; } = new();

    /// <summary>Clients of HTTP are sent to https, but for those who come for a certificate (ACME).</summary>
    public bool RedirectToHttps { get; init; }

    /// <summary>From where clients come through a proxy that says by a PROXY header who they are. From there each has to; from elsewhere none is believed.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxy { get; init; } = [];

    /// <summary>Ports that a token may ask for, 1 to 65535. Each is open as long as a device with such a token is there.</summary>
    public IReadOnlyList<int> GrantedPort { get; init; } = [];

    /// <summary>The same for ports of UDP.</summary>
    public IReadOnlyList<int> GrantedUdpPort { get; init; } = [];

    /// <summary>The address that the client ports are opened on.</summary>
    public IPAddress PublicAddress { get; init; } = IPAddress.Loopback;

    /// <summary>The keys that tokens are checked with. Without one, every device on this machine may serve everything.</summary>
    public IReadOnlyList<TokenKey> Keys { get; init; } = [];

    /// <summary>The audience that a token has to name; null accepts any.</summary>
    public string? Audience { get; init; }

    /// <summary>Ids of tokens (claim <c>id</c>) that are refused although they would hold.</summary>
    public IReadOnlyList<string> RevokedTokenIds { get; init; } = [];

    /// <summary>A granted name stands for itself alone. Otherwise it stands for everything below it too, like <c>*.name</c>.</summary>
    public bool ExactNamesOnly { get; init; }

    /// <summary>Which of several devices gets a client that their grants name equally closely.</summary>
    public RelayBalance Balance { get; init; }

    /// <summary>How long a link may be without a valid token.</summary>
    public TimeSpan TokenTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The bounds and time-outs of every link.</summary>
    public LinkOptions Link { get; init; } = new();

    /// <summary>Where the metrics of the relay are shown to Prometheus, on loopback; null for nowhere. Port 0 lets the system choose.</summary>
    public IPEndPoint? MetricsEndPoint { get; init; }

    /// <summary>Where a line is written for each client that is over, or was refused; null writes none.</summary>
    public AccessLogOptions? AccessLog { get; init; }

    /// <summary>Where the frames of all links are written to; null writes none.</summary>
    public LinkCapture? Capture { get; init; }

    /// <summary>How it works together with other relays; null where it is alone.</summary>
    public FleetOptions? Fleet { get; init; }

    /// <summary>Links are told apart by their tokens.</summary>
    internal bool RequiresToken => Keys.Count > 0;

    /// <summary>Links are let in by their certificate.</summary>
    internal bool RequiresCertificate => Carrier.RequiresCertificate;

    /// <summary>How its listeners receive devices.</summary>
    internal ListenOptions Reception => Carrier with { RequiresToken = RequiresToken };
}
