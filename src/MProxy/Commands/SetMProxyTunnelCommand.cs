using System.Management.Automation;
using System.Net;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using MProxy.Abstractions;
using MProxy.Engine.Device;
using MProxy.Engine.Health;
using MProxy.Engine.ProxyProtocol;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Set-MProxyTunnel: changes a tunnel while it runs, without losing a client.</summary>
[Cmdlet(VerbsCommon.Set, "MProxyTunnel", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(TunnelJob))]
public sealed class SetMProxyTunnelCommand : SetSessionCommand
{
    // Read once, however many tunnels come.
    private (X509Certificate2? Certificate, X509Certificate2Collection? Chain) _certificate;

    /// <summary>The tunnel itself, as Start- and Get-MProxyTunnel return it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputSet)]
    [ValidateNotNull]
    public TunnelJob? InputObject { get; set; }

    /// <summary>Which local service each new client gets: @{ tcp = '127.0.0.1:9000' }. Those that are there stay where they are.</summary>
    [Parameter(Position = 1)]
    [ServiceMapTransform]
    [ArgumentCompleter(typeof(LocalServiceCompleter))]
    public ServiceMap? Service { get; set; }

    /// <summary>How many clients the tunnel takes at once, 1 to 1000000, those of datagrams half of it. More that a relay brings fail.</summary>
    [Parameter]
    [ValidateRange(1, 1_000_000)]
    public int MaxClientCount { get; set; }

    /// <summary>How many new clients it takes in a second, and twice as many at once, 0 to 1000000; 0 for no limit.</summary>
    [Parameter]
    [ValidateRange(0, 1_000_000)]
    public int MaxNewClientsPerSecond { get; set; }

    /// <summary>How many clients each script block of -Service serves at once, 1 to 1000; those beyond wait for their turn.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int ThrottleLimit { get; set; } = ScriptService.UsualLimit;

    /// <summary>How local services are probed from now on: 'tcp' or 'http:/path' for all of them, or @{ 'app.example.com' = 'http:/health' }; @{} for none.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(HealthCheckCompleter))]
    [HealthChecksTransform]
    public HealthChecks? HealthCheck { get; set; }

    /// <summary>How many seconds after a result a service is probed again, 0.1 to 3600.</summary>
    [Parameter]
    [ValidateRange(0.1, 3600)]
    public double HealthCheckInterval { get; set; }

    /// <summary>How many seconds a probe may take, 0.1 to 600.</summary>
    [Parameter]
    [ValidateRange(0.1, 600)]
    public double HealthCheckTimeout { get; set; }

    /// <summary>Tokens that say what this device may serve. They take the place of those before, on all of its links.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public SecureString[] Token { get; set; } = [];

    /// <summary>How many seconds a local service may take to accept, 1 to 3600.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int DialTimeout { get; set; } = 10;

    /// <summary>How many seconds a client of datagrams may be silent both ways before it is over, 1 to 86400.</summary>
    [Parameter]
    [ValidateRange(1.0, 86400)]
    public double DatagramIdleTimeout { get; set; }

    /// <summary>The address of this machine that local services are dialled from.</summary>
    [Parameter]
    [ValidateNotNull]
    public IPAddress? SourceAddress { get; set; }

    /// <summary>The certificate, with its private key, that clients of TLS are shown from now on.</summary>
    [Parameter]
    [ValidateNotNull]
    public X509Certificate2? ServiceCertificate { get; set; }

    /// <summary>A file with that certificate: PFX, or PEM with the chain behind it. Given again, a renewed file is loaded.</summary>
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

    /// <summary>Services, by their keys, that get no new clients. Those that are there may finish.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(LiveNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] DrainService { get; set; } = [];

    /// <summary>Services of -DrainService that get clients again.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(LiveNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] RestoreService { get; set; } = [];

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        ReadConfiguration(typeof(StartMProxyTunnelCommand));
        _certificate = CertificateParameters.Load(
            this, nameof(ServiceCertificate), ServiceCertificate, ServiceCertificatePath, ServiceCertificateKeyPath, ServiceCertificatePassword);
        if (SkipServiceCertificateCheck)
        {
            WriteWarning(Risks.UncheckedService);
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Change(Sessions.Tunnels, InputObject, job =>
    {
        var tunnel = job.Tunnel;
        string[]? tokens = IsGiven(nameof(Token)) ? [.. Token.Select(Secret.Reveal)] : null;
        var (services, scripts) = Service is null ? (null, []) : ScriptTarget.Prepare(Service, ThrottleLimit, TimeSpan.FromSeconds(DialTimeout));
        if (scripts.Count == 0 && MyInvocation.BoundParameters.ContainsKey(nameof(ThrottleLimit)))
        {
            throw new ArgumentException("-ThrottleLimit is for script blocks of -Service, and none is given.");
        }

        tunnel.ChangeAsync(
            current => Checked(current) with
            {
                Service = services ?? current.Service,
                HealthChecks = HealthChecksFrom(current),
                MaxClients = Next(nameof(MaxClientCount), MaxClientCount, current.MaxClients),
                MaxNewClientsPerSecond = Next(nameof(MaxNewClientsPerSecond), MaxNewClientsPerSecond, current.MaxNewClientsPerSecond),
                DialTimeout = Next(nameof(DialTimeout), TimeSpan.FromSeconds(DialTimeout), current.DialTimeout),
                DatagramIdleTimeout = Next(nameof(DatagramIdleTimeout), TimeSpan.FromSeconds(DatagramIdleTimeout), current.DatagramIdleTimeout),
                SourceAddress = Next(nameof(SourceAddress), SourceAddress, current.SourceAddress),
                ProxyProtocol = Next(nameof(ProxyProtocol), ProxyProtocol, current.ProxyProtocol),
                Tls = Tls(current.Tls),
                Relays = tokens is null ? current.Relays : [.. current.Relays.Select(relay => relay with { Tokens = tokens })],
            },
            StopToken).GetAwaiter().GetResult();
        if (Service is not null)
        {
            job.Use(scripts);
        }

        foreach (var key in DrainService)
        {
            tunnel.DrainService(key);
        }

        foreach (var key in RestoreService)
        {
            tunnel.RestoreService(key);
        }
    });

    /// <summary>Refuses what could not be done behind a change, before there is one.</summary>
    private TunnelOptions Checked(TunnelOptions current)
    {
        if (IsGiven(nameof(Token)) && current.Relays.Count == 0)
        {
            throw new ArgumentException("The links of this tunnel are not its own: send them the token with Send-MProxyControl, add_token.");
        }

        var services = Service ?? current.Service;
        return DrainService.Concat(RestoreService).FirstOrDefault(key => !services.Has(key)) is { } unknown
            ? throw new ArgumentException($"This tunnel has no service '{unknown}'.")
            : current;
    }

    /// <summary>Checks that were not given stay, but for those of services that are gone.</summary>
    private HealthChecks HealthChecksFrom(TunnelOptions current)
    {
        var checks = HealthCheck ?? (IsGiven(nameof(HealthCheck)) ? HealthChecks.None : current.HealthChecks.Within(Service ?? current.Service));
        if (checks.IsNone && ConfigurationPath is null && IsGiven(nameof(HealthCheckInterval), nameof(HealthCheckTimeout)))
        {
            throw new ArgumentException("-HealthCheckInterval and -HealthCheckTimeout are for probes, and there are none: give -HealthCheck too.");
        }

        return checks.With(
            Next(nameof(HealthCheckInterval), TimeSpan.FromSeconds(HealthCheckInterval), current.HealthChecks.Interval),
            Next(nameof(HealthCheckTimeout), TimeSpan.FromSeconds(HealthCheckTimeout), current.HealthChecks.Timeout));
    }

    private ServiceTls Tls(ServiceTls current)
    {
        var tls = _certificate.Certificate is null ? current : current.WithCertificate(_certificate.Certificate, _certificate.Chain);
        return IsGiven(nameof(SkipServiceCertificateCheck)) ? tls.WithUntrusted(SkipServiceCertificateCheck) : tls;
    }
}
