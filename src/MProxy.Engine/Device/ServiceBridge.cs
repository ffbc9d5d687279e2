using System.Net.Security;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>Carries a client to a service in this process.</summary>
/// <param name="service">The service.</param>
/// <param name="tls">How to shake hands with a client that brings TLS; null leaves that to the service.</param>
/// <param name="patience">How long a handshake may take, and a client to end when the service has.</param>
/// <param name="time">The clock.</param>
internal sealed class ServiceBridge(IClientService service, ServiceTls? tls, TimeSpan patience, TimeProvider time)
{
    private const int DrainLength = 4 << 10;

    /// <summary>Runs until both directions are over.</summary>
    /// <exception cref="IOException">The client failed, its handshake came to nothing, or it does not end behind the service's end.</exception>
    /// <exception cref="ServiceFailedException">The service did.</exception>
    public async Task RunAsync(ClientStream stream, ClientConnection client, CancellationToken cancellationToken)
    {
        if (tls is null)
        {
            await ServeAsync(stream, client, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            var secure = await AcceptAsync(tls, stream, cancellationToken).ConfigureAwait(false);
            await using (secure.ConfigureAwait(false))
            {
                await ServeAsync(secure, client, cancellationToken).ConfigureAwait(false);
                await secure.ShutdownAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        stream.End();
        await DrainAsync(stream, cancellationToken).ConfigureAwait(false);
    }

    private async Task ServeAsync(Stream stream, ClientConnection client, CancellationToken cancellationToken)
    {
        var lent = new ServiceStream(stream);
        await using (lent.ConfigureAwait(false))
        {
            try
            {
                await service.ServeAsync(lent, client, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                throw lent.HasFailed ? new IOException("The client is gone.", error) : new ServiceFailedException(error.Message.TrimEnd('.'), error);
            }
            finally
            {
                await lent.RevokeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<SslStream> AcceptAsync(ServiceTls tls, ClientStream stream, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            return await tls.AcceptAsync(stream, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException("The client's TLS handshake took too long.");
        }
    }

    /// <summary>What the client still sends is of no use, but a reset before it has read the answer could cost it that.</summary>
    private async Task DrainAsync(ClientStream stream, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        var buffer = new byte[DrainLength];
        try
        {
            while (await stream.ReadAsync(buffer, either.Token).ConfigureAwait(false) > 0)
            {
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException("The client goes on behind the end of its service.");
        }
    }
}
