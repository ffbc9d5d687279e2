using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using MProxy.Abstractions;
using MProxy.Engine.Access;
using MProxy.Engine.Carriers;
using MProxy.Engine.Fleet;
using MProxy.Engine.Relay;
using MProxy.Internal;
using MProxy.Internal.Configuration;

namespace MProxy.Commands;

/// <summary>Start-MProxyRelay: the service in the middle.</summary>
[Cmdlet(VerbsLifecycle.Start, "MProxyRelay", SupportsShouldProcess = true, DefaultParameterSetName = ListenSet)]
[OutputType(typeof(RelayJob))]
public sealed class StartMProxyRelayCommand : LinkOptionsCommand
{
    private const string ListenSet = "Listen";
    private const string StreamSet = "Stream";

    /// <summary>Where devices come in: tcp, tls, ws, wss or unix. Port 0 lets the system choose.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ListenSet)]
    [Parameter(Position = 0, ParameterSetName = ConfigurableParameters.Set)]
    [CarrierUriTransform]
    public CarrierUri[] Listen { get; set; } = [];

    /// <summary>Streams that lead to a device each, instead of listening.</summary>
    [Parameter(Mandatory = true, ParameterSetName = StreamSet)]
    [ValidateNotNullOrEmpty]
    public Stream[] Stream { get; set; } = [];

    /// <summary>A .psd1 or .json file with parameters of this cmdlet. What stands on the command line wins.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ConfigurableParameters.Set)]
    [ValidateNotNullOrEmpty]
    public string? ConfigurationPath { get; set; }

    /// <summary>Ports for clients of raw TCP, 0 to 65535, open as long as the relay is; 0 lets the system choose.</summary>
    [Parameter]
    [ValidateRange(0, ushort.MaxValue)]
    public int[] TcpPort { get; set; } = [];

    /// <summary>Ports for clients of TLS, 0 to 65535: each goes to a device by the server name that it asks for.</summary>
    [Parameter]
    [ValidateRange(0, ushort.MaxValue)]
    public int[] TlsPort { get; set; } = [];

    /// <summary>Ports for clients of HTTP/1.x, 0 to 65535: each goes to a device by its host.</summary>
    [Parameter]
    [ValidateRange(0, ushort.MaxValue)]
    public int[] HttpPort { get; set; } = [];

    /// <summary>Ports for clients of TLS, HTTP/1.x and raw TCP, 0 to 65535, told apart by their first bytes.</summary>
    [Parameter]
    [ValidateRange(0, ushort.MaxValue)]
    public int[] MixedPort { get; set; } = [];

    /// <summary>Ports for clients of UDP, 0 to 65535.</summary>
    [Parameter]
    [ValidateRange(0, ushort.MaxValue)]
    public int[] UdpPort { get; set; } = [];

    /// <summary>Ports for clients of DNS over UDP and TCP, 0 to 65535: each goes to a device by the name of its question.</summary>
    [Parameter]
    [ValidateRange(0, ushort.MaxValue)]
    public int[] DnsPort { get; set; } = [];

    /// <summary>How many seconds a client of a mixed port may say nothing before it counts as raw TCP, 0.01 to 60.</summary>
    [Parameter]
    [ValidateRange(0.01, 60)]
    public double FirstByteTimeout { get; set; } = 0.5;

    /// <summary>Clients of HTTP are sent to https, but for those who come for a certificate (ACME).</summary>
    [Parameter]
    public SwitchParameter RedirectToHttps { get; set; }

    /// <summary>Addresses or networks of proxies whose PROXY header says who the client is: 192.0.2.1, 10.0.0.0/8. They have to send one.</summary>
    [Parameter]
    [NetworkTransform]
    public IPNetwork[] TrustedProxy { get; set; } = [];

    /// <summary>Which of several devices gets a client: in turn, the one with the fewest clients, or always the same for one client address.</summary>
    [Parameter]
    public RelayBalance Balance { get; set; }

    /// <summary>A granted name stands for itself alone, not for everything below it.</summary>
    [Parameter]
    public SwitchParameter ExactNamesOnly { get; set; }

    /// <summary>Ports that tokens may ask for, 1 to 65535. Each is open as long as a device with such a token is there.</summary>
    [Parameter]
    [ValidateRange(1, ushort.MaxValue)]
    public int[] GrantedPort { get; set; } = [];

    /// <summary>The same for ports of UDP.</summary>
    [Parameter]
    [ValidateRange(1, ushort.MaxValue)]
    public int[] GrantedUdpPort { get; set; } = [];

    /// <summary>The address that the client ports are opened on; loopback unless given.</summary>
    [Parameter]
    public IPAddress PublicAddress { get; set; } = IPAddress.Loopback;

    /// <summary>Secrets that tokens are checked with, at least 32 bytes each (HS256).</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public SecureString[] Secret { get; set; } = [];

    /// <summary>PEM files with public keys that tokens are checked with (RS256, ES256).</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [FilePath]
    public string[] PublicKey { get; set; } = [];

    /// <summary>The audience that tokens have to name; any will do unless given.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Audience { get; set; }

    /// <summary>How many seconds a link may be without a valid token, 0.1 to 3600.</summary>
    [Parameter]
    [ValidateRange(0.1, 3600)]
    public double TokenTimeout { get; set; } = 10;

    /// <summary>Devices have to show a certificate that this machine trusts (tls and wss).</summary>
    [Parameter]
    public SwitchParameter RequireClientCertificate { get; set; }

    /// <summary>The certificates that devices may show, by SHA-256 or SHA-1 thumbprint (tls and wss). They decide alone.</summary>
    [Parameter]
    [AllowEmptyCollection]
    public string[] ClientThumbprint { get; set; } = [];

    /// <summary>How many seconds a device may take for TLS and the WebSocket upgrade, and a client to say what it is for, 0.1 to 3600.</summary>
    [Parameter]
    [ValidateRange(0.1, 3600)]
    public double HandshakeTimeout { get; set; } = 10;

    /// <summary>A file for one line of JSON for each client that is over, or was refused. One that is there is added to.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? AccessLogPath { get; set; }

    /// <summary>How many bytes one file of the access log may hold before the next is begun.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long AccessLogMaxLength { get; set; } = AccessLogOptions.DefaultMaxLength;

    /// <summary>How many files of the access log are kept beside the one being written, 0 to 100.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    public int AccessLogFileCount { get; set; } = 5;

    /// <summary>Limits that are to be others than usual: @{ MaxClients = 500; ClientBytesPerSecond = 1MB }.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(RelayLimitCompleter))]
    [RelayLimitTransform]
    public RelayLimitChange? Limit { get; set; }

    /// <summary>The ids of tokens that are refused, whatever they say.</summary>
    [Parameter]
    [AllowEmptyCollection]
    public string[] RevokedTokenId { get; set; } = [];

    /// <summary>Where the relays of a fleet find each other: redis://host:6379, rediss://host:6379, or memory://name for those of this process.</summary>
    [Parameter]
    [DirectoryUriTransform]
    public DirectoryUri? Directory { get; set; }

    /// <summary>The password of the directory, where it asks for one.</summary>
    [Parameter]
    [ValidateNotNull]
    public SecureString? DirectoryPassword { get; set; }

    /// <summary>The directory's certificate by its SHA-256 or SHA-1 thumbprint, with rediss. It decides alone; unless given, it is one that this machine trusts.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] DirectoryThumbprint { get; set; } = [];

    /// <summary>The relay's name in the fleet, which no other has: 1 to 64 letters, digits and any of -_.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NodeName { get; set; }

    /// <summary>Where other relays of the fleet come in: tls or wss. Port 0 lets the system choose.</summary>
    [Parameter]
    [CarrierUriTransform]
    public CarrierUri? PeerListen { get; set; }

    /// <summary>Where other relays are to dial for that, where it is not what is listened on.</summary>
    [Parameter]
    [CarrierUriTransform]
    public CarrierUri? PeerAddress { get; set; }

    /// <summary>The certificate to show to other relays, with its private key; that of -Certificate unless given.</summary>
    [Parameter]
    [ValidateNotNull]
    public X509Certificate2? PeerCertificate { get; set; }

    /// <summary>A file with that certificate: PFX, or PEM with the chain behind it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? PeerCertificatePath { get; set; }

    /// <summary>A PEM file with the private key, where it is not in -PeerCertificatePath.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? PeerCertificateKeyPath { get; set; }

    /// <summary>What the file or key is encrypted with.</summary>
    [Parameter]
    [ValidateNotNull]
    public SecureString? PeerCertificatePassword { get; set; }

    /// <summary>The certificates that other relays may show, by SHA-256 or SHA-1 thumbprint; unless given, the very one that this relay shows.</summary>
    [Parameter]
    [AllowEmptyCollection]
    public string[] PeerThumbprint { get; set; } = [];

    /// <summary>Where the metrics are shown to Prometheus: an address and port of loopback, or a port alone; 0 lets the system choose. Nowhere unless given.</summary>
    [Parameter]
    [LocalEndPointTransform]
    public IPEndPoint? MetricsAddress { get; set; }

    /// <summary>Its name in this session.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Stay with it until it ends: its state as progress, its events on the information stream.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <summary>How many seconds running clients may take to finish when a wait (-Wait) is stopped, 0 to 86400. Ctrl+C once more cuts that short.</summary>
    [Parameter]
    [ValidateRange(0.0, 86400)]
    public double DrainTimeout { get; set; } = 5;

    /// <inheritdoc/>
    protected override void BeginProcessing() => ConfiguredParameters.Apply(this, ConfigurationPath);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var listeners = string.Join(", ", Listen.Select(uri => $"{uri}").Concat(Stream.Select(_ => "stream")).Concat(TcpPort.Concat(TlsPort).Concat(HttpPort).Concat(MixedPort).Concat(UdpPort).Concat(DnsPort).Concat(GrantedPort).Concat(GrantedUdpPort).Select(port => $"{new IPEndPoint(PublicAddress, port)}")));
        if (!ShouldProcess(listeners, "Start relay"))
        {
            return;
        }

        if (RedirectToHttps && HttpPort.Length + MixedPort.Length == 0)
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(new ArgumentException("-RedirectToHttps is for clients of -HttpPort or -MixedPort."), RedirectToHttps));
        }

        if (MyInvocation.BoundParameters.ContainsKey(nameof(FirstByteTimeout)) && MixedPort.Length == 0)
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(new ArgumentException("-FirstByteTimeout is for clients of -MixedPort."), FirstByteTimeout));
        }

        Foreground.Check(this, Wait, nameof(DrainTimeout));
        CheckFleet();
        if (Secret.Length + PublicKey.Length > 0)
        {
            foreach (var uri in Listen.Where(uri => uri is { IsSecure: false, IsLocalOnly: false }))
            {
                WriteWarning($"Tokens and data come to {uri} unencrypted: use tls:// or wss://.");
            }
        }

        if (Risks.AdmitsAnyTrusted(Listen, Secret.Length + PublicKey.Length > 0, RequireClientCertificate, ClientThumbprint.Length))
        {
            WriteWarning(Risks.AnyTrustedCertificate);
        }

        RelayJob job;
        try
        {
            job = NamedStart.Run(this, Sessions.Relays, Name, name =>
            {
                var relay = Capturing(capture => RelayServer.Start(Options(name) with { Capture = capture }));
                WriteVerbose($"Relay '{name}' listens on {string.Join(", ", relay.Listen)}.");
                return new RelayJob(relay, $"Start-MProxyRelay {string.Join(", ", relay.Listen)}");
            });
        }
        catch (AccessLogException error)
        {
            ThrowTerminatingError(ErrorRecords.AccessLogUnavailable(error, AccessLogPath));
            throw;
        }
        catch (Exception error) when (error is SocketException or InvalidOperationException or FormatException or ArgumentException or IOException or FleetDirectoryException)
        {
            ThrowTerminatingError(ErrorRecords.StartFailed("Relay", error, listeners));
            throw;
        }

        Foreground.Give(this, job, Wait ? TimeSpan.FromSeconds(DrainTimeout) : null, StopToken);
    }

    private RelayOptions Options(string name)
    {
        var (certificate, chain) = LoadCertificate();
        var (peerCertificate, peerChain) = CertificateParameters.Load(this, "PeerCertificate", PeerCertificate, PeerCertificatePath, PeerCertificateKeyPath, PeerCertificatePassword);
        return new RelayOptions
        {
            Name = name,
            Listen = Listen,
            Streams = Stream,
            TcpPort = TcpPort,
            TlsPort = TlsPort,
            HttpPort = HttpPort,
            MixedPort = MixedPort,
            FirstByteTimeout = TimeSpan.FromSeconds(FirstByteTimeout),
            RedirectToHttps = RedirectToHttps,
            TrustedProxy = TrustedProxy,
            Balance = Balance,
            ExactNamesOnly = ExactNamesOnly,
            UdpPort = UdpPort,
            DnsPort = DnsPort,
            GrantedPort = GrantedPort,
            GrantedUdpPort = GrantedUdpPort,
            PublicAddress = PublicAddress,
            Keys = TokenKeys.Read(this, Secret, PublicKey),
            RevokedTokenIds = RevokedTokenId,
            Limits = Limit?.ApplyTo(new RelayLimits()) ?? new RelayLimits(),
            AccessLog = AccessLogPath is null ? null : new AccessLogOptions
            {
                Path = GetUnresolvedProviderPathFromPSPath(AccessLogPath),
                MaxLength = AccessLogMaxLength,
                KeepFiles = AccessLogFileCount,
            },
            Audience = Audience,
            TokenTimeout = TimeSpan.FromSeconds(TokenTimeout),
            MetricsEndPoint = MetricsAddress,
            Link = LinkOptions(),
            Fleet = FleetOptions(peerCertificate ?? certificate, peerCertificate is null ? chain : peerChain),
            Carrier = new ListenOptions
            {
                Certificate = certificate,
                CertificateChain = chain,
                RequireClientCertificate = RequireClientCertificate,
                ClientThumbprint = ClientThumbprint,
                HandshakeTimeout = TimeSpan.FromSeconds(HandshakeTimeout),
            },
        };
    }

    private FleetOptions? FleetOptions(X509Certificate2? certificate, X509Certificate2Collection? chain)
    {
        if (Directory is null)
        {
            return null;
        }

        var directory = Directory.WithTls(DirectoryThumbprint, certificate);
        return new FleetOptions
        {
            Directory = DirectoryPassword is null ? directory : directory.WithPassword(Internal.Secret.Reveal(DirectoryPassword)),
            NodeName = NodeName!,
            PeerListen = PeerListen!,
            PeerAddress = PeerAddress,
            PeerCertificate = certificate ?? throw new ArgumentException("Relays of a fleet show each other a certificate: give -PeerCertificatePath, or -CertificatePath for both."),
            PeerCertificateChain = chain,
            PeerThumbprint = PeerThumbprint,
        };
    }

    /// <summary>What makes a relay one of a fleet goes together.</summary>
    private void CheckFleet()
    {
        string[] others = [nameof(DirectoryPassword), nameof(DirectoryThumbprint), nameof(NodeName), nameof(PeerListen), nameof(PeerAddress), nameof(PeerCertificate), nameof(PeerCertificatePath), nameof(PeerThumbprint)];
        if (Directory is null)
        {
            if (Array.Find(others, MyInvocation.BoundParameters.ContainsKey) is { } lone)
            {
                ThrowTerminatingError(ErrorRecords.InvalidOption(new ArgumentException($"-{lone} is for a relay with a -Directory."), lone));
            }
        }
        else if (NodeName is null || PeerListen is null)
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(new ArgumentException("A relay with a -Directory needs a -NodeName, and -PeerListen, where the others reach it."), Directory));
        }
        else if (Directory is { Scheme: "redis" } && !Directory.Servers.All(server => server.Host == "localhost" || (IPAddress.TryParse(server.Host, out var address) && IPAddress.IsLoopback(address))))
        {
            WriteWarning($"What is said to {Directory} is unencrypted, and whoever can change it can lead clients astray: use rediss://, or a network that nobody else is on.");
        }
    }
}
