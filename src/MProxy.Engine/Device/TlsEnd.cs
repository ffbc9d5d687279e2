using System.Net.Security;

namespace MProxy.Engine.Device;

/// <summary>
/// One side of a bridge, with TLS or without. It can end its own direction while the other is read, which SslStream alone cannot: OpenSSL
/// does not survive a shutdown beside a read. One reader and one writer at a time.
/// </summary>
internal sealed class TlsEnd(Stream plain) : IAsyncDisposable
{
    // Held by whoever is inside of OpenSSL: a reader but for the time that it waits for bytes, and the end of our own direction.
    private readonly SemaphoreSlim _inside = new(1, 1);

    private Floor? _floor;
    private SslStream? _secure;

    public bool IsSecure => _secure is not null;

    /// <summary>What was read has ended below TLS: TLS that is ended in order says so itself, before (RFC 8446, section 6.1).</summary>
    public bool WasCut => _floor is { HasEnded: true };

    /// <summary>Begins TLS.</summary>
    /// <param name="handshake">Shakes hands over the stream that it is given.</param>
    public async Task SecureAsync(Func<Stream, Task<SslStream>> handshake)
    {
        var floor = new Floor(plain, _inside);
        _secure = await handshake(floor).ConfigureAwait(false);
        floor.IsShared = true;
        _floor = floor;
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_secure is null)
        {
            return await plain.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }

        await _inside.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await _secure.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _inside.Release();
        }
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => (_secure ?? plain).WriteAsync(bytes, cancellationToken);

    /// <summary>Says that nothing more is sent, where TLS has a word for it.</summary>
    public async Task SayEndAsync(CancellationToken cancellationToken)
    {
        if (_secure is null)
        {
            return;
        }

        await _inside.WaitAsync(cancellationToken).ConfigureAwait(false);
        Task saying;
        try
        {
            // What it does in OpenSSL is done when it returns; the rest is the sending.
            saying = _secure.ShutdownAsync();
        }
        finally
        {
            _inside.Release();
        }

        await saying.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_secure is not null)
        {
            await _secure.DisposeAsync().ConfigureAwait(false);
        }

        _inside.Dispose();
    }

    /// <summary>What lies right under TLS: notes the end, and lets others inside while it waits for bytes.</summary>
    private sealed class Floor(Stream inner, SemaphoreSlim inside) : DuplexStream
    {
        /// <summary>The handshake is over: the reader is inside when it comes here.</summary>
        public bool IsShared { get; set; }

        public bool HasEnded { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var isShared = IsShared;
            if (isShared)
            {
                inside.Release();
            }

            try
            {
                var count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                HasEnded |= count == 0 && !buffer.IsEmpty;
                return count;
            }
            finally
            {
                if (isShared)
                {
                    // Whatever happened: whoever called goes on inside. Nobody else is in there for long.
                    await inside.WaitAsync(CancellationToken.None).ConfigureAwait(false);
                }
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => inner.Flush();
    }
}
