namespace MProxy.Engine.Tests.Sessions;

/// <summary>A stream like a console's or a pipe's: neither cancelling nor closing it ends a read.</summary>
internal sealed class DeafStream(Stream inner) : DuplexStream
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, CancellationToken.None);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

}
