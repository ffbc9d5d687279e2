namespace MProxy.Engine.Device;

/// <summary>
/// Notes that the stream below has ended. Right under TLS it tells a cut from an end: TLS that is ended in order says so itself, before
/// (RFC 8446, section 6.1).
/// </summary>
internal sealed class EndNotingStream(Stream inner) : DuplexStream
{
    /// <summary>The stream below has ended.</summary>
    public bool HasEnded { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        HasEnded |= count == 0 && !buffer.IsEmpty;
        return count;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();
}
