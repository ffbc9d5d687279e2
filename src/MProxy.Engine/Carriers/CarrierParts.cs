namespace MProxy.Engine.Carriers;

/// <summary>What one carrier holds open, noted in the ledger and closed from the top down.</summary>
internal sealed class CarrierParts(ResourceLedger ledger)
{
    private readonly Stack<IDisposable> _parts = new();
    private bool _closed;

    /// <summary>Owns one more part. One that comes too late, from a connection attempt nobody waits for any more, is closed at once.</summary>
    /// <exception cref="ObjectDisposedException">It came too late.</exception>
    public T Add<T>(T part)
        where T : IDisposable
    {
        lock (_parts)
        {
            if (!_closed)
            {
                _parts.Push(ledger.Add(part));
                return part;
            }
        }

        part.Dispose();
        throw new ObjectDisposedException(nameof(CarrierParts));
    }

    /// <summary>Nothing is open yet.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_parts)
            {
                return _parts.Count == 0;
            }
        }
    }

    /// <summary>Closes one part early.</summary>
    public void Close(IDisposable part) => CloseQuietly(part);

    /// <summary>Closes all; again is harmless. Never throws.</summary>
    public void Close()
    {
        lock (_parts)
        {
            _closed = true;
        }

        while (TryTake() is { } part)
        {
            CloseQuietly(part);
        }
    }

    private IDisposable? TryTake()
    {
        lock (_parts)
        {
            return _parts.TryPop(out var part) ? part : null;
        }
    }

    private void CloseQuietly(IDisposable part)
    {
        try
        {
            ledger.Close(part);
        }
#pragma warning disable CA1031 // Whatever a stream throws while it closes, it is gone, and so must be the parts below.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
