using System.Net.Security;
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
/// <param name="time">The clock.</param>
internal sealed class TlsBridge(ServiceTls tls, LocalTarget target, bool endsClientTls, TimeSpan handshakeTimeout, TimeProvider time)
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
            var near = new End(client, client.End);
            var far = new End(service, () => socket.Shutdown(SocketShutdown.Send));
            await using (near.ConfigureAwait(false))
            await using (far.ConfigureAwait(false))
            {
                try
                {
                    await HandshakeAsync(near, far, stopping.Token).ConfigureAwait(false);
                    await Task.WhenAll(
                        StopOnFailure(CopyAsync(near, far, stopping.Token), stopping),
                        StopOnFailure(CopyAsync(far, near, stopping.Token), stopping)).ConfigureAwait(false);
                }
                catch (InvalidOperationException error)
                {
                    // TLS that has broken down says so in several ways.
                    throw new IOException("TLS has failed.", error);
                }
            }
        }
    }

    private static async Task CopyAsync(End from, End to, CancellationToken cancellationToken)
    {
        await from.Stream.CopyToAsync(to.Stream, BufferLength, cancellationToken).ConfigureAwait(false);
        if (!from.WasCut)
        {
            await to.SayEndAsync(cancellationToken).ConfigureAwait(false);
        }
        else if (!to.IsSecure)
        {
            throw new IOException("TLS was cut.");
        }

        to.Close();
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

    private async Task HandshakeAsync(End near, End far, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(handshakeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            if (endsClientTls)
            {
                await AcceptAsync(near, either.Token).ConfigureAwait(false);
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

    private async Task AcceptAsync(End near, CancellationToken cancellationToken)
    {
        try
        {
            await near.SecureAsync(stream => tls.AcceptAsync(stream, cancellationToken)).ConfigureAwait(false);
        }
        catch (AuthenticationException error)
        {
            throw new IOException("The client's TLS handshake failed.", error);
        }
    }

    /// <summary>One side, with TLS or without.</summary>
    private sealed class End(Stream plain, Action close) : IAsyncDisposable
    {
        private readonly EndNotingStream _noting = new(plain);
        private SslStream? _secure;

        public Stream Stream => _secure ?? plain;

        public bool IsSecure => _secure is not null;

        /// <summary>What was read has ended below TLS, without a word of it.</summary>
        public bool WasCut => IsSecure && _noting.HasEnded;

        public async Task SecureAsync(Func<Stream, Task<SslStream>> handshake) => _secure = await handshake(_noting).ConfigureAwait(false);

        /// <summary>Nothing more is sent, and that is meant so.</summary>
        public Task SayEndAsync(CancellationToken cancellationToken) => _secure?.ShutdownAsync().WaitAsync(cancellationToken) ?? Task.CompletedTask;

        public void Close() => close();

        public ValueTask DisposeAsync() => _secure?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
