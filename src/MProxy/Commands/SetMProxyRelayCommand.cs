using System.Management.Automation;
using System.Net;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using MProxy.Abstractions;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Set-MProxyRelay: changes a relay while it runs, without losing a client.</summary>
[Cmdlet(VerbsCommon.Set, "MProxyRelay", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(RelayJob))]
public sealed class SetMProxyRelayCommand : SetSessionCommand
{
    // Read once, however many relays come.
    private TokenKey[]? _keys;
    private (X509Certificate2? Certificate, X509Certificate2Collection? Chain) _certificate;

    /// <summary>The relay itself, as Start- and Get-MProxyRelay return it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputSet)]
    [ValidateNotNull]
    public RelayJob? InputObject { get; set; }

    /// <summary>Limits that are to be others than they are: @{ MaxClients = 500; ClientBytesPerSecond = 1MB }.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(RelayLimitCompleter))]
    [RelayLimitTransform]
    public RelayLimitChange? Limit { get; set; }

    /// <summary>The certificate to show to devices from now on, with its private key.</summary>
    [Parameter]
    [ValidateNotNull]
    public X509Certificate2? Certificate { get; set; }

    /// <summary>A file with that certificate: PFX, or PEM with the chain behind it. Given again, a renewed file is loaded.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CertificatePath { get; set; }

    /// <summary>A PEM file with the private key, where it is not in -CertificatePath.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CertificateKeyPath { get; set; }

    /// <summary>What the file or key is encrypted with.</summary>
    [Parameter]
    [ValidateNotNull]
    public SecureString? CertificatePassword { get; set; }

    /// <summary>Secrets that tokens are checked with, at least 32 bytes each (HS256). With -PublicKey they take the place of all keys there are.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public SecureString[] Secret { get; set; } = [];

    /// <summary>PEM files with public keys that tokens are checked with (RS256, ES256).</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] PublicKey { get; set; } = [];

    /// <summary>The audience that tokens have to name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Audience { get; set; }

    /// <summary>The ids of tokens that are refused, whatever they say. They take the place of those before; none for no one.</summary>
    [Parameter]
    [AllowEmptyCollection]
    public string[] RevokedTokenId { get; set; } = [];

    /// <summary>Addresses or networks of proxies whose PROXY header says who the client is.</summary>
    [Parameter]
    [AllowEmptyCollection]
    [NetworkTransform]
    public IPNetwork[] TrustedProxy { get; set; } = [];

    /// <summary>How many seconds a link may be without a valid token, 0.1 to 3600.</summary>
    [Parameter]
    [ValidateRange(0.1, 3600)]
    public double TokenTimeout { get; set; }

    /// <summary>Devices have to show a certificate that this machine trusts (tls and wss). Links of those that did not are ended.</summary>
    [Parameter]
    public SwitchParameter RequireClientCertificate { get; set; }

    /// <summary>The certificates that devices may show, by SHA-256 or SHA-1 thumbprint; none for any. Links of others are ended.</summary>
    [Parameter]
    [AllowEmptyCollection]
    public string[] ClientThumbprint { get; set; } = [];

    /// <summary>How many seconds a device may take for TLS and the WebSocket upgrade, and a client to say what it is for, 0.1 to 3600.</summary>
    [Parameter]
    [ValidateRange(0.1, 3600)]
    public double HandshakeTimeout { get; set; }

    /// <summary>How many seconds a client of a mixed port may say nothing before it counts as raw TCP, 0.01 to 60.</summary>
    [Parameter]
    [ValidateRange(0.01, 60)]
    public double FirstByteTimeout { get; set; }

    /// <summary>Clients of HTTP are sent to https, but for those who come for a certificate (ACME).</summary>
    [Parameter]
    public SwitchParameter RedirectToHttps { get; set; }

    /// <summary>Which of several devices gets a client: in turn, the one with the fewest clients, or always the same for one client address.</summary>
    [Parameter]
    public RelayBalance Balance { get; set; }

    /// <summary>A granted name stands for itself alone, not for everything below it.</summary>
    [Parameter]
    public SwitchParameter ExactNamesOnly { get; set; }

    /// <summary>Names (*.name for all below one) or client ports that get no new clients, whichever device they would go to.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(LiveNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] DrainName { get; set; } = [];

    /// <summary>Names or ports of -DrainName that get clients again.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(LiveNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] RestoreName { get; set; } = [];

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        ReadConfiguration(typeof(StartMProxyRelayCommand));
        _keys = IsGiven(nameof(Secret), nameof(PublicKey)) ? TokenKeys.Read(this, Secret, PublicKey) : null;
        _certificate = CertificateParameters.Load(this, nameof(Certificate), Certificate, CertificatePath, CertificateKeyPath, CertificatePassword);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Change(Sessions.Relays, InputObject, job =>
    {
        var relay = job.Relay;
        // Before anything is changed.
        Array.ForEach([.. DrainName, .. RestoreName], RelayServer.CheckDrainName);
        var isRisky = false;
        relay.Change(current =>
        {
            var next = Options(current);
            isRisky = IsRisky(next) && !IsRisky(current);
            return next;
        });
        if (isRisky)
        {
            WriteWarning(Risks.AnyTrustedCertificate);
        }

        foreach (var name in DrainName)
        {
            relay.DrainName(name);
        }

        foreach (var name in RestoreName)
        {
            relay.RestoreName(name);
        }
    });

    private static bool IsRisky(RelayOptions options) =>
        Risks.AdmitsAnyTrusted(options.Listen, options.Keys.Count > 0, options.Carrier.RequireClientCertificate, options.Carrier.ClientThumbprint.Count);

    private RelayOptions Options(RelayOptions current) => current with
    {
        Limits = LimitsFrom(ConfigurationPath is null ? current.Limits : new RelayLimits()),
        Keys = _keys ?? current.Keys,
        Audience = Next(nameof(Audience), Audience, current.Audience),
        RevokedTokenIds = Next(nameof(RevokedTokenId), RevokedTokenId, current.RevokedTokenIds),
        TokenTimeout = Next(nameof(TokenTimeout), TimeSpan.FromSeconds(TokenTimeout), current.TokenTimeout),
        TrustedProxy = Next(nameof(TrustedProxy), TrustedProxy, current.TrustedProxy),
        FirstByteTimeout = Next(nameof(FirstByteTimeout), TimeSpan.FromSeconds(FirstByteTimeout), current.FirstByteTimeout),
        RedirectToHttps = Next(nameof(RedirectToHttps), RedirectToHttps.IsPresent, current.RedirectToHttps),
        Balance = Next(nameof(Balance), Balance, current.Balance),
        ExactNamesOnly = Next(nameof(ExactNamesOnly), ExactNamesOnly.IsPresent, current.ExactNamesOnly),
        Carrier = Carrier(current.Carrier),
    };

    private RelayLimits LimitsFrom(RelayLimits before) => Limit?.ApplyTo(before) ?? before;

    private ListenOptions Carrier(ListenOptions current) => current with
    {
        Certificate = _certificate.Certificate ?? current.Certificate,
        CertificateChain = _certificate.Certificate is null ? current.CertificateChain : _certificate.Chain,
        RequireClientCertificate = Next(nameof(RequireClientCertificate), RequireClientCertificate.IsPresent, current.RequireClientCertificate),
        ClientThumbprint = Next(nameof(ClientThumbprint), ClientThumbprint, current.ClientThumbprint),
        HandshakeTimeout = Next(nameof(HandshakeTimeout), TimeSpan.FromSeconds(HandshakeTimeout), current.HandshakeTimeout),
    };
}
