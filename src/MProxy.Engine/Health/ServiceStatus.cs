using MProxy.Engine.Device;

namespace MProxy.Engine.Health;

/// <summary>Where a local service of a tunnel stood when it was asked for.</summary>
/// <param name="Key">Which clients it is for: a name, <c>*.name</c>, port, service or <c>*</c>.</param>
/// <param name="Target">Where they go.</param>
/// <param name="State">Whether it gets new ones.</param>
/// <param name="Since">Since when that has been so.</param>
/// <param name="LastError">Why its last probe failed; null where that passed, and where it is not probed.</param>
public sealed record ServiceStatus(string Key, LocalTarget Target, ServiceState State, DateTimeOffset Since, string? LastError)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Key}={Target} {State}";
}
