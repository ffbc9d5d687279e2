using System.Net;
using System.Security;
using System.Text;

namespace MProxy.Internal;

/// <summary>Takes secrets out of SecureString for the moment they are needed, and puts new ones in.</summary>
internal static class Secret
{
    public static string Reveal(SecureString secret) => new NetworkCredential("", secret).Password;

    public static byte[] RevealBytes(SecureString secret) => Encoding.UTF8.GetBytes(Reveal(secret));

    public static SecureString Protect(string text)
    {
        var secret = new NetworkCredential("", text).SecurePassword;
        secret.MakeReadOnly();
        return secret;
    }
}
