namespace MProxy.Engine.Tokens;

/// <summary>Makes and checks JSON Web Tokens (RFC 7519).</summary>
public interface ITokenService
{
    /// <summary>A signed token.</summary>
    /// <exception cref="TokenException">The key cannot sign.</exception>
    string Create(TokenClaims claims, TokenKey key, DateTimeOffset now);

    /// <summary>What a token allows, if one of the keys signed it and it holds now.</summary>
    /// <param name="token">The compact form, as it came from a peer.</param>
    /// <param name="keys">The keys that count.</param>
    /// <param name="audience">The audience that the token must name; null accepts any.</param>
    /// <param name="now">The time to check <c>exp</c> and <c>nbf</c> against.</param>
    /// <exception cref="TokenException">Says why not, without the token.</exception>
    Grant Verify(string token, IReadOnlyList<TokenKey> keys, string? audience, DateTimeOffset now);
}
