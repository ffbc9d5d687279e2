namespace MProxy.Engine.Device;

/// <summary>A local service in this process: it is given each client as a stream instead of being dialled.</summary>
public interface IClientService
{
    /// <summary>Serves one client. When it returns, the client is told that nothing more comes.</summary>
    /// <param name="stream">What the client sends and is sent; reads return 0 behind its end.</param>
    /// <param name="client">Who it is.</param>
    /// <param name="cancellationToken">The client is over, or the tunnel stops.</param>
    Task ServeAsync(Stream stream, ClientConnection client, CancellationToken cancellationToken);
}
