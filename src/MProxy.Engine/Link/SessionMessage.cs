namespace MProxy.Engine.Link;

/// <summary>Device to relay, before its tokens: which links to a fleet of relays are one device's. Old relays do not list the command, and are not told.</summary>
internal static class SessionMessage
{
    public const string Command = "session";

    private const int MaxLength = 64;

    /// <summary>What a device may call its session: letters and digits, which it has made at random.</summary>
    public static bool IsValid(string session) => session.Length is > 0 and <= MaxLength && session.All(char.IsAsciiLetterOrDigit);
}
