namespace MProxy.Engine.Carriers;

/// <summary>Dials relays.</summary>
internal static class CarrierDialer
{
    /// <summary>Connects, with all handshakes done. What it opens is in the ledger until the carrier is disposed of.</summary>
    /// <exception cref="CarrierException">It failed; says at what stage.</exception>
    /// <exception cref="ArgumentException">An option does not fit the scheme, or is malformed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Task<Carrier> DialAsync(CarrierUri uri, DialOptions options, ResourceLedger ledger, TimeProvider time, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
