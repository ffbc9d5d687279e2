using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using MProxy.Engine.Tokens;

namespace MProxy.Tokens;

/// <summary>A token taken apart, with nothing of it trusted yet: its form and header are sound, its signature is unchecked.</summary>
internal sealed class CompactToken
{
    /// <summary>The longest token that is looked at, in characters: 8 KiB.</summary>
    public const int MaxLength = 8 * 1024;

    private const string NotSigned = "The token is not signed.";
    private const int SignedDots = 2;
    private const int EncryptedDots = 4;

    /// <summary>What the header says; only good for choosing among keys.</summary>
    public required string Algorithm { get; init; }

    public required ClaimReader Claims { get; init; }

    /// <summary>The part of the text that the signature is over.</summary>
    public required string Signed { get; init; }

    public required byte[] Signature { get; init; }

    /// <exception cref="TokenException">It is no signed JSON Web Token that could be checked.</exception>
    public static CompactToken Parse(string token)
    {
        if (token.Length > MaxLength)
        {
            throw new TokenException($"The token is longer than {MaxLength} characters.");
        }

        var dots = token.AsSpan().Count('.');
        if (dots == EncryptedDots)
        {
            throw new TokenException("The token is encrypted, and only signed ones are taken.");
        }

        if (dots != SignedDots)
        {
            throw NoToken();
        }

        var parts = token.Split('.');
        var algorithm = CheckHeader(ReadObject(parts[0]));
        var claims = ReadObject(parts[1]);
        var signature = Decode(parts[2]);
        return signature.Length > 0
            ? new CompactToken { Algorithm = algorithm, Claims = new ClaimReader(claims), Signed = token[..token.LastIndexOf('.')], Signature = signature }
            : throw new TokenException(NotSigned);
    }

    private static string CheckHeader(IReadOnlyDictionary<string, JsonElement> header)
    {
        if (header.ContainsKey("crit"))
        {
            throw new TokenException("The token's header has critical parameters, and none are known.");
        }

        if (header.TryGetValue("cty", out var content) && string.Equals(JsonMembers.Text(content), "JWT", StringComparison.OrdinalIgnoreCase))
        {
            throw new TokenException("The token holds another token, and nested ones are not taken.");
        }

        var algorithm = header.TryGetValue("alg", out var name) ? JsonMembers.Text(name) : null;
        if (string.Equals(algorithm, "none", StringComparison.OrdinalIgnoreCase))
        {
            throw new TokenException(NotSigned);
        }

        return algorithm ?? throw new TokenException("The token's header names no algorithm.");
    }

    private static IReadOnlyDictionary<string, JsonElement> ReadObject(string part) => JsonMembers.Read(Decode(part)) ?? throw NoToken();

    /// <summary>Base64url in its one canonical spelling, since a token that is revoked by its text must have only one.</summary>
    private static byte[] Decode(string part)
    {
        try
        {
            var bytes = Base64UrlEncoder.DecodeBytes(part);
            return Base64UrlEncoder.Encode(bytes) == part ? bytes : throw NoToken();
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            throw NoToken();
        }
    }

    private static TokenException NoToken() => new("The token is no JSON Web Token.");
}
