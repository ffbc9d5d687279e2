using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using MProxy.Abstractions;
using MProxy.Engine.Capture;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Health;
using MProxy.Engine.Link;
using MProxy.Engine.ProxyProtocol;
using MProxy.Internal;
using MProxy.Internal.Configuration;

namespace MProxy.Commands;

/// <summary>Start-MProxyTunnel: brings the clients of relays to local services.</summary>
[Cmdlet(VerbsLifecycle.Start, "MProxyTunnel", SupportsShouldProcess = true, DefaultParameterSetName = RelaySet)]
[OutputType(typeof(TunnelJob))]
public sealed class StartMProxyTunnelCommand : DialCommand
{
    private const string SessionSet = "Session";

    private static readonly ServiceProbe DefaultProbe = new();

    private readonly List<DeviceLink> _sessions = [];

    /// <summary>The relays to keep a link to each: tcp, tls, ws, wss or unix.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = RelaySet)]
    [Parameter(Position = 0, ParameterSetName = ConfigurableParameters.Set)]
    [Alias("RelayUri")]
    [CarrierUriTransform]
    public CarrierUri[] Relay { get; set; } = [];

    /// <summary>Links that are up already, as Connect-MProxyRelay returns them. They stay when the tunnel stops.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = SessionSet)]
    [ValidateNotNullOrEmpty]
    public DeviceLink[] Session { get; set; } = [];

    /// <summary>Which local service each client gets: @{ tcp = '127.0.0.1:9000' }. Keys are a name, a port, a service or '*'.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = RelaySet)]
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = SessionSet)]
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = StreamSet)]
    [Parameter(Position = 1, ParameterSetName = ConfigurableParameters.Set)]
    [ServiceMapTransform]
    [ArgumentCompleter(typeof(LocalServiceCompleter))]
    public ServiceMap Service { get; set; } = null!;

    /// <summary>Where the metrics are shown to Prometheus: an address and port of loopback, or a port alone; 0 lets the system choose. Nowhere unless given.</summary>
    [Parameter]
    [LocalEndPointTransform]
    public IPEndPoint? MetricsAddress { get; set; }

    /// <summary>A .psd1 or .json file with parameters of this cmdlet. What stands on the command line wins.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ConfigurableParameters.Set)]
    [ValidateNotNullOrEmpty]
    public string? ConfigurationPath { get; set; }

    /// <summary>Its name in this session.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>How many links to keep to a relay that is given by a name, 1 to 16, each to another of the name's addresses and past any proxy. With 1 the name is dialled as the system does.</summary>
    [Parameter]
    [ValidateRange(1, RelayAddresses.MaxLinks)]
    public int LinkCount { get; set; } = 1;

    /// <summary>The longest wait in seconds before a lost relay is dialled again, 0.01 to 3600; the first is at most 0.5.</summary>
    [Parameter]
    [ValidateRange(0.01, 3600)]
    public double MaxRetryDelay { get; set; } = 30;

    /// <summary>How many seconds a local service may take to accept, 1 to 3600.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int DialTimeout { get; set; } = 10;

    /// <summary>How many seconds a client of datagrams may be silent both ways before it is over, 1 to 86400.</summary>
    [Parameter]
    [ValidateRange(1.0, 86400)]
    public double DatagramIdleTimeout { get; set; } = 60;

    /// <summary>The address of this machine that local services are dialled from; the system's choice unless given.</summary>
    [Parameter]
    [ValidateNotNull]
    public IPAddress? SourceAddress { get; set; }

    /// <summary>The certificate, with its private key, that clients of TLS are shown: their TLS ends here. Without one it goes through to the local service.</summary>
    [Parameter]
    [ValidateNotNull]
    public X509Certificate2? ServiceCertificate { get; set; }

    /// <summary>A file with that certificate: PFX, or PEM with the chain behind it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ServiceCertificatePath { get; set; }

    /// <summary>A PEM file with the private key, where it is not in -ServiceCertificatePath.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ServiceCertificateKeyPath { get; set; }

    /// <summary>What the file or key is encrypted with.</summary>
    [Parameter]
    [ValidateNotNull]
    public SecureString? ServiceCertificatePassword { get; set; }

    /// <summary>Local services that are dialled with TLS (tls://) may show any certificate. Whoever is between them and this machine can read along.</summary>
    [Parameter]
    public SwitchParameter SkipServiceCertificateCheck { get; set; }

    /// <summary>The PROXY header that tells local services who their client is; they have to expect it.</summary>
    [Parameter]
    public ProxyProtocolVersion ProxyProtocol { get; set; }

    /// <summary>How local services are probed: 'tcp' or 'http:/path' for all of them, or @{ 'app.example.com' = 'http:/health' } by the keys of -Service. One that fails gets no new clients.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(HealthCheckCompleter))]
    [HealthChecksTransform]
    public HealthChecks? HealthCheck { get; set; }

    /// <summary>How many seconds after a result a service is probed again, 0.1 to 3600.</summary>
    [Parameter]
    [ValidateRange(0.1, 3600)]
    public double HealthCheckInterval { get; set; } = DefaultProbe.Interval.TotalSeconds;

    /// <summary>How many seconds a probe may take, 0.1 to 600.</summary>
    [Parameter]
    [ValidateRange(0.1, 600)]
    public double HealthCheckTimeout { get; set; } = DefaultProbe.Timeout.TotalSeconds;

    /// <summary>How many clients the tunnel takes at once, 1 to 1000000, those of datagrams half of it. More that a relay brings fail.</summary>
    [Parameter]
    [ValidateRange(1, 1_000_000)]
    public int MaxClientCount { get; set; } = 10_000;

    /// <summary>How many new clients it takes in a second, and twice as many at once, 0 to 1000000; 0 for no limit.</summary>
    [Parameter]
    [ValidateRange(0, 1_000_000)]
    public int MaxNewClientsPerSecond { get; set; } = 5_000;

    /// <summary>How many clients each script block of -Service serves at once, 1 to 1000; those beyond wait for their turn.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int ThrottleLimit { get; set; } = ScriptService.UsualLimit;

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
    protected override void ProcessRecord() => _sessions.AddRange(Session);

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var idle = ParameterSetName == SessionSet ? MyInvocation.BoundParameters.Keys.FirstOrDefault(IsForDialling) : null;
        if (idle is not null)
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(new ArgumentException($"-{idle} is for a relay that is dialled, and -Session is there already: give it to Connect-MProxyRelay."), idle));
        }

        Foreground.Check(this, Wait, nameof(DrainTimeout));
        var alone = HealthCheck is null ? MyInvocation.BoundParameters.Keys.FirstOrDefault(name => name is nameof(HealthCheckInterval) or nameof(HealthCheckTimeout)) : null;
        if (alone is not null)
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(
                new ArgumentException($"-{alone} is for probes, and there are none without -HealthCheck."), alone, "Give -HealthCheck too, or leave the parameter out."));
        }

        if (LinkCount > 1 && ParameterSetName != SessionSet && !Array.Exists(Relay, RelayAddresses.IsName))
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(
                new ArgumentException("-LinkCount is for a relay that is given by a name with several addresses, and none is."), LinkCount, "Give -Relay the name, or each relay by itself."));
        }

        var target = ParameterSetName switch
        {
            SessionSet => string.Join(", ", _sessions.Select(session => session.Name)),
            StreamSet => "stream",
            _ => string.Join(", ", (object[])Relay),
        };
        if (!ShouldProcess(target, $"Start tunnel for {string.Join(", ", Service.Entries)}"))
        {
            return;
        }

        WarnOfRisks(Relay);
        if (SkipServiceCertificateCheck)
        {
            WriteWarning(Risks.UncheckedService);
        }

        var (services, scripts) = ScriptTarget.Prepare(Service, ThrottleLimit, TimeSpan.FromSeconds(DialTimeout));
        if (scripts.Count == 0 && MyInvocation.BoundParameters.ContainsKey(nameof(ThrottleLimit)))
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(new ArgumentException("-ThrottleLimit is for script blocks of -Service, and there are none."), ThrottleLimit));
        }

        TunnelJob job;
        try
        {
            job = NamedStart.Run(this, Sessions.Tunnels, Name, name =>
            {
                var tunnel = Capturing(capture => Await(Tunnel.StartAsync(Options(name, capture, services), cancellationToken: StopToken)));
                WriteVerbose($"Tunnel '{name}' is connected to {target}.");
                var started = new TunnelJob(tunnel, $"Start-MProxyTunnel {target}");
                started.Use(scripts);
                return started;
            });
        }
        catch (ArgumentException error)
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(error, SourceAddress));
            throw;
        }
        catch (SocketException error)
        {
            ThrowTerminatingError(ErrorRecords.StartFailed("Tunnel", error, $"{MetricsAddress}"));
            throw;
        }
        catch (LinkException error)
        {
            ThrowTerminatingError(ErrorRecords.ConnectFailed("TunnelStart", error, target));
            throw;
        }

        Foreground.Give(this, job, Wait ? TimeSpan.FromSeconds(DrainTimeout) : null, StopToken);
    }

    /// <summary>A parameter that this cmdlet has from those that dial.</summary>
    private static bool IsForDialling(string parameter) =>
        parameter is nameof(MaxRetryDelay) or nameof(LinkCount) || typeof(StartMProxyTunnelCommand).GetProperty(parameter)?.DeclaringType is { } type
            && (type == typeof(DialCommand) || type == typeof(CertificateCommand) || type == typeof(LinkOptionsCommand) || type == typeof(CaptureCommand));

    private ServiceTls Tls()
    {
        var (certificate, chain) = CertificateParameters.Load(
            this, nameof(ServiceCertificate), ServiceCertificate, ServiceCertificatePath, ServiceCertificateKeyPath, ServiceCertificatePassword);
        try
        {
            return new ServiceTls(certificate, chain, SkipServiceCertificateCheck);
        }
        catch (ArgumentException error)
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(error, ServiceCertificatePath ?? (object?)certificate));
            throw;
        }
    }

    private TunnelOptions Options(string name, LinkCapture? capture, ServiceMap services) => new()
    {
        Name = name,
        Service = services,
        MaxClients = MaxClientCount,
        MaxNewClientsPerSecond = MaxNewClientsPerSecond,
        DialTimeout = TimeSpan.FromSeconds(DialTimeout),
        DatagramIdleTimeout = TimeSpan.FromSeconds(DatagramIdleTimeout),
        SourceAddress = SourceAddress,
        ProxyProtocol = ProxyProtocol,
        MetricsEndPoint = MetricsAddress,
        Tls = Tls(),
        HealthChecks = HealthCheck?.With(TimeSpan.FromSeconds(HealthCheckInterval), TimeSpan.FromSeconds(HealthCheckTimeout)) ?? HealthChecks.None,
        Links = _sessions,
        Relays =
        [
            .. (ParameterSetName switch { SessionSet => [], StreamSet => [null], _ => (IEnumerable<CarrierUri?>)Relay })
                .SelectMany(relay => RelayAddresses.Spread(DialOptions(name, relay) with { MaxRetryDelay = TimeSpan.FromSeconds(MaxRetryDelay), Capture = capture }, LinkCount)),
        ],
    };
}
