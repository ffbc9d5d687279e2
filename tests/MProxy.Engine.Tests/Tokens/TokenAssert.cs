using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Tokens;

internal static class TokenAssert
{
    /// <summary>Verifies a token that must be accepted, with the secret key where no other is named.</summary>
    public static Grant Accepted(string token, string? audience = null, params TokenKey[] keys) =>
        TokenLibrary.Load().Verify(token, keys is [] ? [Forge.SecretKey] : keys, audience, Forge.Now);

    /// <summary>Verifies a token that must be refused for this reason, in a message that shows nothing of it.</summary>
    public static void Refused(string reason, string token, string? audience = null, params TokenKey[] keys)
    {
        var error = Assert.Throws<TokenException>(() => Accepted(token, audience, keys));
        Assert.Equal(reason, error.Message);
        Shows_nothing_of(token, error);
    }

    public static void Shows_nothing_of(string token, TokenException error)
    {
        Assert.Null(error.InnerException);
        Assert.DoesNotContain(error.Message, char.IsControl);
        var text = error.ToString();
        foreach (var part in token.Split('.').Where(part => part.Length >= 8))
        {
            Assert.DoesNotContain(part, text, StringComparison.Ordinal);
        }
    }
}
