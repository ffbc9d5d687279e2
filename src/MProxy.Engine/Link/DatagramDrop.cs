namespace MProxy.Engine.Link;

/// <summary>Why datagrams are dropped, in a few fixed words to count by.</summary>
internal static class DatagramDrop
{
    public const string Rate = "datagrams per second";

    public const string Full = "datagrams that wait for a link";

    public const string Amplification = "amplification";

    public const string NoQuestion = "datagrams without a DNS question";

    public const string Unreceived = "datagrams that the system does not hand out";

    public const string Unsendable = "datagrams that the system does not send";
}
