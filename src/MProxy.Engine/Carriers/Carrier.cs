using System.Net;

namespace MProxy.Engine.Carriers;

/// <summary>One established byte stream under a link, with what is known about its other end. Owns all of it.</summary>
internal sealed class Carrier : IAsyncDisposable
{
    private const string ForeignScheme = "stream";

    /// <summary>How long a goodbye to the peer may take. By the real clock: a test's clock that stands still must not hold up an end.</summary>
    private static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly CarrierParts _parts;
    private readonly ActivityStream _activity;
    private Task? _closing;

    /// <param name="scheme">What it runs over.</param>
    /// <param name="stream">The bytes of the link.</param>
    /// <param name="activity">The stream right above the socket.</param>
    /// <param name="parts">Everything that is closed with it.</param>
    public Carrier(string scheme, Stream stream, ActivityStream activity, CarrierParts parts)
    {
        Scheme = scheme;
        Stream = stream;
        _activity = activity;
        _parts = parts;
    }

    /// <summary><c>tcp</c>, <c>tls</c>, <c>ws</c>, <c>wss</c>, <c>unix</c>, or <c>stream</c> for one that was handed in.</summary>
    public string Scheme { get; }

    /// <summary>
    /// The bytes of the link: one reader and one writer at a time. It fails with an <see cref="IOException"/>. A read or write that is cancelled
    /// leaves it unusable; to end it politely, dispose of the carrier instead.
    /// </summary>
    public Stream Stream { get; }

    /// <summary>The clock's timestamp when the last byte came, pings of WebSocket included; of the start where none has.</summary>
    public long LastHeard => _activity.LastHeard;

    /// <summary>The stream was made elsewhere: nobody knows whether its calls return at once.</summary>
    public bool CanBlock => Scheme == ForeignScheme;

    /// <summary>What is read at once is a record of TLS at most, however much there is.</summary>
    public bool BringsRecords => Scheme == "tls";

    /// <summary>This end of the socket; null where it has none.</summary>
    public EndPoint? LocalEndPoint { get; init; }

    /// <summary>The other end of the socket, which may be a proxy; null where it has none.</summary>
    public EndPoint? RemoteEndPoint { get; init; }

    /// <summary>On a relay: the token that came with the upgrade of ws or wss. A secret.</summary>
    public string? Token { get; init; }

    /// <summary><c>Tls12</c> or <c>Tls13</c>; null without TLS.</summary>
    public string? TlsProtocol { get; init; }

    /// <summary>SHA-256 of the peer's certificate, 64 upper-case hex digits; null where it showed none.</summary>
    public string? PeerThumbprint { get; init; }

    /// <summary>On a relay: SHA-1 of the same, 40 upper-case hex digits.</summary>
    public string? PeerSha1 { get; init; }

    /// <summary>On a relay: path and query that a device asked ws or wss for, without its token.</summary>
    public string? Path { get; init; }

    /// <summary>On a relay: its place among those who have shown nothing yet. Whoever takes the carrier disposes of it when it has.</summary>
    internal WaitingRoom.Place? Place { get; init; }

    /// <summary>Takes any stream, such as one made by a script, and owns it.</summary>
    public static Carrier FromStream(Stream stream, TimeProvider time)
    {
        var parts = new CarrierParts(new ResourceLedger());
        var activity = parts.Add(new ActivityStream(stream, time));
        return new Carrier(ForeignScheme, activity, activity, parts);
    }

    /// <summary>How much the system may keep from now on that is not on its way, in bytes. Where it cannot be told, nothing changes.</summary>
    public void KeepUnsent(int length) => _activity.KeepUnsent(length);

    /// <summary>Says goodbye where the carrier knows how, then closes everything. Takes a second at most, two where a stream was handed in that does not close, and never throws.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            return new ValueTask(_closing ??= CloseAsync());
        }
    }

    private async Task CloseAsync()
    {
        // TLS gets none: its goodbye must not run beside a read or write, and the frames of a link tell whether anything is missing.
        if (Stream is WebSocketStream webSocket)
        {
            await Quietly(webSocket.SayGoodbyeAsync()).ConfigureAwait(false);
        }

        if (Scheme == ForeignScheme)
        {
            // Nobody knows how long a foreign stream takes to close.
            await Quietly(Task.Run(_parts.Close)).ConfigureAwait(false);
        }
        else
        {
            _parts.Close();
        }
    }

    private static async Task Quietly(Task task)
    {
        try
        {
            await task.WaitAsync(GoodbyeTimeout).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The carrier is closed next, whatever stood in the way of a goodbye.
        catch (Exception)
#pragma warning restore CA1031
        {
            // One that is late fails when the socket closes under it: nobody needs to know.
            _ = task.ContinueWith(static late => late.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }
}
