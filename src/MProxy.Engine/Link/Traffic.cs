namespace MProxy.Engine.Link;

/// <summary>What has moved over one link or several.</summary>
/// <param name="BytesIn">Bytes that came, frames and all.</param>
/// <param name="BytesOut">Bytes that were sent, frames and all.</param>
/// <param name="ClientBytesIn">Bytes of clients that came.</param>
/// <param name="ClientBytesOut">Bytes of clients that were sent.</param>
/// <param name="PausesIn">Pauses that peers asked for.</param>
/// <param name="PausesOut">Pauses that peers were asked for.</param>
internal readonly record struct Traffic(long BytesIn, long BytesOut, long ClientBytesIn, long ClientBytesOut, long PausesIn, long PausesOut)
{
    public static Traffic operator +(Traffic one, Traffic other) => new(
        one.BytesIn + other.BytesIn,
        one.BytesOut + other.BytesOut,
        one.ClientBytesIn + other.ClientBytesIn,
        one.ClientBytesOut + other.ClientBytesOut,
        one.PausesIn + other.PausesIn,
        one.PausesOut + other.PausesOut);
}
