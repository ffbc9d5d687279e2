namespace MProxy.Engine.Tests.Sessions;

/// <summary>A stream that fails when it is cut, like a connection whose network is gone.</summary>
internal sealed class CutStream(Stream inner, CancellationToken cut) : WrappedStream(inner)
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cut, cancellationToken);
        try
        {
            return await base.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (cut.IsCancellationRequested)
        {
            throw new IOException("The connection was cut.");
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cut.IsCancellationRequested)
        {
            throw new IOException("The connection was cut.");
        }

        await base.WriteAsync(buffer, cancellationToken);
    }
}
