using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>Carries a client to a local service where TLS ends or begins in between.</summary>
/// <param name="tls">How to shake hands.</param>
/// <param name="target">The local service.</param>
/// <param name="endsClientTls">The client brings TLS, which ends here.</param>
/// <param name="handshakeTimeout">How long handshakes may take together.</param>
/// <param name="time">The clock.</param>
internal sealed class TlsBridge(ServiceTls tls, LocalTarget target, bool endsClientTls, TimeSpan handshakeTimeout, TimeProvider time)
{
    private const int BufferLength = 64 << 10;

    /// <summary>Runs until both directions are over.</summary>
    /// <exception cref="IOException">Either end failed, or a handshake did.</exception>
    public async Task RunAsync(ClientStream client, Socket socket, CancellationToken cancellationToken)
    {
        var service = new NetworkStream(socket, ownsSocket: false);
        await using (service.ConfigureAwait(false))
        {
            // Either direction that fails ends the other too.
            using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var (near, far) = await HandshakeAsync(client, service, stopping.Token).ConfigureAwait(false);
            await using (near.ConfigureAwait(false))
            await using (far.ConfigureAwait(false))
            {
                await Task.WhenAll(
                    StopOnFailure(CopyAsync(near, far, () => socket.Shutdown(SocketShutdown.Send), stopping.Token), stopping),
                    StopOnFailure(CopyAsync(far, near, client.End, stopping.Token), stopping)).ConfigureAwait(false);
            }
        }
    }

    private static async Task CopyAsync(Stream from, Stream to, Action end, CancellationToken cancellationToken)
    {
        await from.CopyToAsync(to, BufferLength, cancellationToken).ConfigureAwait(false);
        if (to is SslStream secure)
        {
            await secure.ShutdownAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        end();
    }

    private static async Task StopOnFailure(Task copying, CancellationTokenSource stopping)
    {
        try
        {
            await copying.ConfigureAwait(false);
        }
        catch
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<(Stream Near, Stream Far)> HandshakeAsync(ClientStream client, NetworkStream service, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(handshakeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        Stream near = client;
        try
        {
            if (endsClientTls)
            {
                near = await tls.AcceptAsync(client, either.Token).ConfigureAwait(false);
            }

            return (near, target.UseTls ? await tls.ConnectAsync(service, target.Host, either.Token).ConfigureAwait(false) : service);
        }
        catch (Exception error) when (error is AuthenticationException or InvalidOperationException || late.IsCancellationRequested)
        {
            throw new IOException("The TLS handshake failed.", error);
        }
    }
}
