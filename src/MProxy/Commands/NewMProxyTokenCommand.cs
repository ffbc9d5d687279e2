using System.Management.Automation;
using System.Security;
using MProxy.Engine.Tokens;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>New-MProxyToken: a signed token that says what a device may serve.</summary>
[Cmdlet(VerbsCommon.New, "MProxyToken", DefaultParameterSetName = SecretSet)]
[OutputType(typeof(SecureString), typeof(string))]
public sealed class NewMProxyTokenCommand : PSCmdlet
{
    private const string SecretSet = "Secret";
    private const string KeySet = "PrivateKey";

    /// <summary>Names the device may serve; *.name stands for all below a name.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ValidateDomain]
    public string[] Domain { get; set; } = [];

    /// <summary>Ports of TCP the device may serve, 0 to 65535; 0 lets the relay choose.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(0, ushort.MaxValue)]
    public int[] Port { get; set; } = [];

    /// <summary>Ports of UDP the device may serve, 0 to 65535; 0 lets the relay choose.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(0, ushort.MaxValue)]
    public int[] UdpPort { get; set; } = [];

    /// <summary>The device's identity: a link with the same id takes over from a stale one. Without it, several devices may use one token.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? Id { get; set; }

    /// <summary>How long the token holds, from now or from -NotBefore; for ever unless given.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public TimeSpan? ExpiresIn { get; set; }

    /// <summary>When the token starts to hold; at once unless given.</summary>
    [Parameter]
    public DateTimeOffset? NotBefore { get; set; }

    /// <summary>The relay it is for, where relays ask for one.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Audience { get; set; }

    /// <summary>The secret shared with the relay, at least 32 bytes (HS256).</summary>
    [Parameter(Mandatory = true, ParameterSetName = SecretSet)]
    [ValidateNotNull]
    public SecureString? Secret { get; set; }

    /// <summary>A PEM file with an RSA (RS256) or P-256 (ES256) private key; the relay has the public one.</summary>
    [Parameter(Mandatory = true, ParameterSetName = KeySet)]
    [ValidateNotNullOrEmpty]
    public string? PrivateKey { get; set; }

    /// <summary>Return text, which shows the token to whoever sees the screen.</summary>
    [Parameter]
    public SwitchParameter AsPlainText { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var now = DateTimeOffset.UtcNow;
        TokenKey key;
        try
        {
            key = Secret is not null
                ? TokenKey.FromSecret(Internal.Secret.RevealBytes(Secret))
                : TokenKey.FromPem(File.ReadAllText(GetUnresolvedProviderPathFromPSPath(PrivateKey)));
        }
        catch (Exception error) when (error is TokenException or IOException or UnauthorizedAccessException)
        {
            ThrowTerminatingError(ErrorRecords.InvalidKey(error, PrivateKey));
            return;
        }

        try
        {
            var claims = new TokenClaims
            {
                Grant = new Grant { Id = Id ?? "", Domains = Domain, Ports = Port, UdpPorts = UdpPort, Expires = ExpiresIn is { } span ? (NotBefore ?? now) + span : null },
                Audience = Audience,
                NotBefore = NotBefore,
            };
            var token = TokenLibrary.Load().Create(claims, key, now);
            WriteObject(AsPlainText ? token : Internal.Secret.Protect(token));
        }
        catch (TokenException error)
        {
            ThrowTerminatingError(ErrorRecords.InvalidToken(error, Id));
        }
        catch (ArgumentOutOfRangeException error)
        {
            ThrowTerminatingError(ErrorRecords.InvalidToken(error, ExpiresIn));
        }
    }
}
