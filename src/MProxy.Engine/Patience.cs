namespace MProxy.Engine;

/// <summary>A token that is cancelled with another, or when a time is over.</summary>
internal sealed class Patience : IDisposable
{
    private readonly CancellationTokenSource _late;
    private readonly CancellationTokenSource _either;

    /// <param name="length">How long.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">The other.</param>
    public Patience(TimeSpan length, TimeProvider time, CancellationToken cancellationToken)
    {
        _late = new CancellationTokenSource(length, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_late.Token, cancellationToken);
    }

    public CancellationToken Token => _either.Token;

    public void Dispose()
    {
        _either.Dispose();
        _late.Dispose();
    }
}
