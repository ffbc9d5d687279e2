using System.Net.Sockets;
using System.Security.Authentication;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>Carries a client to a local service where TLS ends or begins in between. A cut is handed on as a cut, never as an end in order.</summary>
/// <param name="tls">How to shake hands.</param>
/// <param name="target">The local service.</param>
/// <param name="endsClientTls">The client brings TLS, which ends here.</param>
/// <param name="handshakeTimeout">How long handshakes may take together.</param>
/// <param name="ledger">Where buffers are noted.</param>
/// <param name="time">The clock.</param>
internal sealed class TlsBridge(ServiceTls tls, LocalTarget target, bool endsClientTls, TimeSpan handshakeTimeout, ResourceLedger ledger, TimeProvider time)
{
    private const int BufferLength = 64 << 10;

    /// <summary>Runs until both directions are over.</summary>
    /// <exception cref="IOException">Either end failed or was cut, or the client's handshake came to nothing.</exception>
    /// <exception cref="AuthenticationException">The local service's handshake did, and its message is why, as the end of a sentence.</exception>
    public async Task RunAsync(ClientStream client, Socket socket, CancellationToken cancellationToken)
    {
        // Either direction that fails ends the other too.
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var service = new NetworkStream(socket, ownsSocket: false);
        await using (service.ConfigureAwait(false))
        {
            var near = new TlsEnd(client);
            var far = new TlsEnd(service);
            await using (near.ConfigureAwait(false))
            await using (far.ConfigureAwait(false))
            {
                try
                {
                    await HandshakeAsync(near, far, stopping.Token).ConfigureAwait(false);
                    await Task.WhenAll(
                        StopOnFailure(CopyAsync(near, far, () => socket.Shutdown(SocketShutdown.Send), stopping.Token), stopping),
                        StopOnFailure(CopyAsync(far, near, client.End, stopping.Token), stopping)).ConfigureAwait(false);
                }
                catch (InvalidOperationException error)
                {
                    // TLS that has broken down says so in several ways.
                    throw new IOException("TLS has failed.", error);
                }
            }
        }
    }

    private async Task CopyAsync(TlsEnd from, TlsEnd to, Action close, CancellationToken cancellationToken)
    {
        var buffer = ledger.Rent(BufferLength);
        try
        {
            var turn = new LoopTurn();
            for (int count; (count = await from.ReadAsync(buffer.AsMemory(0, BufferLength), cancellationToken).ConfigureAwait(false)) > 0;)
            {
                await to.WriteAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);

                // Whether it waited is not asked: encryption is what takes time here.
                await turn.Moved(count);
            }
        }
        finally
        {
            ledger.Return(buffer);
        }

        if (!from.WasCut)
        {
            await to.SayEndAsync(cancellationToken).ConfigureAwait(false);
        }
        else if (!to.IsSecure)
        {
            throw new IOException("TLS was cut.");
        }

        close();
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

    private async Task HandshakeAsync(TlsEnd near, TlsEnd far, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(handshakeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            if (endsClientTls)
            {
                await near.SecureAsync(stream => tls.AcceptAsync(stream, either.Token)).ConfigureAwait(false);
            }

            if (target.UseTls)
            {
                await far.SecureAsync(stream => tls.ConnectAsync(stream, target.Host, either.Token)).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new IOException("A TLS handshake took too long.");
        }
    }
}
