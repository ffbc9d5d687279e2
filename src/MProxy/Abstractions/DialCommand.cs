using System.Collections;
using System.Management.Automation;
using System.Security;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>The parameters of a cmdlet that dials a relay.</summary>
public abstract class DialCommand : LinkOptionsCommand
{
    private protected const string RelaySet = "Relay";
    private protected const string StreamSet = "Stream";

    /// <summary>A stream that leads to a relay already, instead of an address.</summary>
    [Parameter(Mandatory = true, ParameterSetName = StreamSet)]
    [ValidateNotNull]
    public Stream? Stream { get; set; }

    /// <summary>Tokens that say what this device may serve. They are shown after the relay's greeting.</summary>
    [Parameter]
    [ValidateNotNull]
    [AllowEmptyCollection]
    public SecureString[] Token { get; set; } = [];

    /// <summary>How many seconds dialling, greeting and tokens may take together, 1 to 3600.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int ConnectTimeout { get; set; } = 10;

    /// <summary>The relay's certificate by its SHA-256 or SHA-1 thumbprint. It decides alone, so a self-signed certificate will do.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Thumbprint { get; set; } = [];

    /// <summary>Accept any certificate of the relay: whoever sits on the way can read and change everything.</summary>
    [Parameter]
    public SwitchParameter SkipCertificateCheck { get; set; }

    /// <summary>The HTTP proxy to go through with ws and wss; the system's unless given.</summary>
    [Parameter]
    [ValidateNotNull]
    public Uri? Proxy { get; set; }

    /// <summary>Name and password for the proxy.</summary>
    [Parameter]
    [ValidateNotNull]
    public PSCredential? ProxyCredential { get; set; }

    /// <summary>Log on to the proxy as the current user.</summary>
    [Parameter]
    public SwitchParameter ProxyUseDefaultCredentials { get; set; }

    /// <summary>Go through no proxy, not even the system's.</summary>
    [Parameter]
    public SwitchParameter NoProxy { get; set; }

    /// <summary>More headers for the request that opens ws and wss.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary Header { get; set; } = new Hashtable();

    /// <summary>How a relay is dialled by this cmdlet's parameters; null stands for -Stream.</summary>
    private protected DeviceLinkOptions DialOptions(string name, CarrierUri? relay) => new()
    {
        Name = name,
        Relay = relay,
        Stream = relay is null ? Stream : null,
        Tokens = [.. Token.Select(Secret.Reveal)],
        ConnectTimeout = TimeSpan.FromSeconds(ConnectTimeout),
        Link = LinkOptions(),
        Dial = new DialOptions
        {
            ClientCertificate = LoadCertificate().Certificate,
            Thumbprint = Thumbprint,
            SkipCertificateCheck = SkipCertificateCheck,
            Proxy = Proxy,
            ProxyCredential = ProxyCredential?.GetNetworkCredential(),
            ProxyUseDefaultCredentials = ProxyUseDefaultCredentials,
            NoProxy = NoProxy,
            Headers = Header.Cast<DictionaryEntry>().ToDictionary(entry => $"{entry.Key}", entry => $"{entry.Value}"),
        },
    };

    /// <summary>Says aloud what makes a link unsafe.</summary>
    private protected void WarnOfRisks(IEnumerable<CarrierUri> relays)
    {
        if (SkipCertificateCheck)
        {
            WriteWarning("The relay's certificate is not checked: whoever sits on the way can read and change everything. Pin it with -Thumbprint instead.");
        }

        var headers = Header.Keys.Cast<object>().Any(name => "Authorization".Equals($"{name}", StringComparison.OrdinalIgnoreCase));
        foreach (var relay in relays.Where(relay => relay is { IsSecure: false, IsLocalOnly: false } && (Token.Length > 0 || headers || relay.HasToken)))
        {
            WriteWarning($"The token goes to {relay} unencrypted: use tls:// or wss://.");
        }
    }
}
