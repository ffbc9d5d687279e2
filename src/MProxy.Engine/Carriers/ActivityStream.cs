using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace MProxy.Engine.Carriers;

/// <summary>
/// Notes when bytes last came. It lies right above the socket, so that what TLS and WebSocket keep to themselves, such as a ping, counts as
/// life too. One reader and one writer at a time; owns the stream below.
/// </summary>
internal sealed class ActivityStream(Stream inner, TimeProvider time) : DuplexStream
{
    private long _lastHeard = time.GetTimestamp();
    private Socket? _tcp;

    /// <summary>The stream right above a link's socket.</summary>
    public static ActivityStream Over(Socket socket, TimeProvider time) => new(new NetworkStream(socket, ownsSocket: true), time)
    {
        _tcp = socket.AddressFamily == AddressFamily.Unix ? null : socket,
    };

    /// <summary>The clock's timestamp when the last byte came; of the start where none has.</summary>
    public long LastHeard => Volatile.Read(ref _lastHeard);

    /// <summary>
    /// Keeps little in the system's send buffer that is not on its way: what waits there could not be overtaken by a keystroke, nor by the
    /// answer to a probe. The window of what is on its way stays as large as the way needs.
    /// </summary>
    public void KeepUnsent(int length)
    {
        if (_tcp is not null)
        {
            TcpSocket.TryKeepUnsent(_tcp, length);
        }
    }

    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Heard(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

    public override int Read(byte[] buffer, int offset, int count) => Heard(inner.Read(buffer, offset, count));

    public override int Read(Span<byte> buffer) => Heard(inner.Read(buffer));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(buffer, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Heard(int count)
    {
        if (count > 0)
        {
            Volatile.Write(ref _lastHeard, time.GetTimestamp());
        }

        return count;
    }
}
