namespace MProxy.Engine.Carriers;

/// <summary>Takes carriers of devices on one address.</summary>
internal sealed class CarrierListener : IAsyncDisposable
{
    /// <summary>The address with the port that is really open.</summary>
    public CarrierUri Uri => throw new NotImplementedException();

    /// <summary>Binds; nobody is served before <see cref="RunAsync"/>.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The address or port cannot be had.</exception>
    /// <exception cref="ArgumentException">An option does not fit the scheme, or is malformed.</exception>
    /// <exception cref="FormatException">The host is no address and not localhost.</exception>
    public static CarrierListener Open(CarrierUri uri, ListenOptions options, ResourceLedger ledger, TimeProvider time) => throw new NotImplementedException();

    /// <summary>Accepts until cancelled; every handshake has ended by then.</summary>
    public Task RunAsync(Action<Carrier> accepted, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
