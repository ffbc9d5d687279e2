namespace MProxy.Engine;

/// <summary>Something that serves clients, and can stop without cutting them off.</summary>
public interface IDrainable
{
    /// <summary>Stops: no new clients, running ones for as long as <paramref name="drain"/> allows, then the end. Cancelling cuts the wait short.</summary>
    Task StopAsync(TimeSpan drain = default, CancellationToken cancellationToken = default);
}
