using System.Globalization;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using MProxy.Engine.Tokens;

namespace MProxy.Tokens;

/// <summary>JSON Web Tokens by Microsoft.IdentityModel: the package signs and checks signatures, everything else of a token is read here.</summary>
public sealed class TokenService : ITokenService
{
    /// <summary>How far the clock of who made a token may be ahead. An end has no leeway: what is over is over.</summary>
    private static readonly TimeSpan StartLeeway = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    /// <exception cref="TokenException">The key cannot sign, or the claims are none that <see cref="Verify"/> would take.</exception>
    public string Create(TokenClaims claims, TokenKey key, DateTimeOffset now)
    {
        if (!key.CanSign)
        {
            throw new TokenException($"The {key.Algorithm} key is a public one and cannot sign.");
        }

        var token = Sign(
            new SecurityTokenDescriptor
            {
                Claims = ClaimWriter.Write(claims.Grant),
                Audience = claims.Audience,
                Expires = claims.Grant.Expires?.UtcDateTime,
                NotBefore = claims.NotBefore?.UtcDateTime,
                IssuedAt = now.UtcDateTime,
            },
            key);
        return token.Length <= CompactToken.MaxLength
            ? token
            : throw new TokenException($"The token would have {token.Length} characters, and {CompactToken.MaxLength} are the most.");
    }

    /// <inheritdoc/>
    public Grant Verify(string token, IReadOnlyList<TokenKey> keys, string? audience, DateTimeOffset now)
    {
        var parts = CompactToken.Parse(token);
        var key = Signature.Check(parts, keys);

        var claims = parts.Claims;
        var expires = claims.Time("exp");
        if (expires <= now)
        {
            throw new TokenException($"The token has expired at {Text(expires.Value)}.");
        }

        if (claims.Time("nbf") is { } start && start - now > StartLeeway)
        {
            throw new TokenException($"The token does not hold before {Text(start)}.");
        }

        var audiences = claims.Audiences();
        CheckAudience(audiences, audience);
        return new Grant
        {
            Id = claims.Id(),
            Domains = claims.Domains(),
            Ports = claims.Ports("ports"),
            UdpPorts = claims.Ports("udp_ports"),
            Expires = expires,
            SignedBy = key.Fingerprint,
            Audiences = audiences,
        };
    }

    private static string Sign(SecurityTokenDescriptor descriptor, TokenKey key)
    {
        try
        {
            descriptor.SigningCredentials = PackageKeys.ForSigning(key);
            return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(descriptor);
        }
        catch (Exception error) when (error is CryptographicException or InvalidOperationException or NotSupportedException)
        {
            // What called itself a private key was none.
            throw new TokenException($"The {key.Algorithm} key cannot sign.");
        }
    }

    private static void CheckAudience(IReadOnlyList<string> named, string? wanted)
    {
        if (wanted is not null && !named.Contains(wanted, StringComparer.Ordinal))
        {
            throw new TokenException(named.Count == 0 ? "The token names no audience, and this relay asks for one." : "The token is for another audience.");
        }
    }

    private static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);
}
