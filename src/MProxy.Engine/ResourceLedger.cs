using System.Buffers;
using System.Globalization;

namespace MProxy.Engine;

/// <summary>
/// Everything that a relay or a tunnel holds open: sockets, pooled buffers and loops. It is empty when its owner has ended, and
/// tests hold it to that.
/// </summary>
internal sealed class ResourceLedger
{
    private readonly HashSet<IDisposable> _open = [];
    private int _buffers;
    private int _loops;

    /// <summary>Sockets and streams that are open.</summary>
    public int Open
    {
        get
        {
            lock (_open)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>Pooled buffers that have not come back.</summary>
    public int Buffers => Volatile.Read(ref _buffers);

    /// <summary>Loops that run.</summary>
    public int Loops => Volatile.Read(ref _loops);

    /// <summary>Nothing is held.</summary>
    public bool IsEmpty => Open == 0 && Buffers == 0 && Loops == 0;

    /// <summary>Notes a socket or stream until <see cref="Close"/>.</summary>
    public T Add<T>(T resource)
        where T : IDisposable
    {
        lock (_open)
        {
            _open.Add(resource);
        }

        return resource;
    }

    /// <summary>Disposes of a noted socket or stream; again is harmless.</summary>
    public void Close(IDisposable resource)
    {
        lock (_open)
        {
            _open.Remove(resource);
        }

        resource.Dispose();
    }

    /// <summary>A pooled buffer of at least this many bytes.</summary>
    public byte[] Rent(int minimumLength)
    {
        Interlocked.Increment(ref _buffers);
        return ArrayPool<byte>.Shared.Rent(minimumLength);
    }

    /// <summary>Gives a buffer back; once.</summary>
    public void Return(byte[] buffer)
    {
        Interlocked.Decrement(ref _buffers);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>A buffer that something may still be read into is left to the collector.</summary>
    public void Forget(byte[] buffer)
    {
        _ = buffer;
        Interlocked.Decrement(ref _buffers);
    }

    /// <summary>Counts a loop as long as it runs.</summary>
    public async Task RunAsync(Func<Task> loop)
    {
        BeginLoop();
        try
        {
            await loop().ConfigureAwait(false);
        }
        finally
        {
            EndLoop();
        }
    }

    /// <summary>Counts a loop until <see cref="EndLoop"/>.</summary>
    public void BeginLoop() => Interlocked.Increment(ref _loops);

    /// <summary>A loop that was counted has ended.</summary>
    public void EndLoop() => Interlocked.Decrement(ref _loops);

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Open} open, {Buffers} buffers, {Loops} loops");
}
