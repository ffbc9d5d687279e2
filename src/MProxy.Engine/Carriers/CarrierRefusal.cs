namespace MProxy.Engine.Carriers;

/// <summary>Why a connection to a relay's listener became no carrier, in a few fixed words to count by.</summary>
internal static class CarrierRefusal
{
    public const string TooMany = "too many that have shown no token at once";

    public const string TooManyOfAddress = "too many of its address that have shown no token at once";

    public const string Late = "its handshake took too long";

    public const string Failed = "its handshake failed";
}
