using System.Net.Security;

namespace MProxy.Engine.Carriers;

/// <summary>TLS over a <see cref="RecordStream"/>: what is more than a record is written in one go. Owns the stream below.</summary>
internal sealed class TlsStream : DuplexStream
{
    private const int RecordLength = 16 << 10;

    private readonly RecordStream _records;

    public TlsStream(Stream inner, ResourceLedger ledger)
    {
        _records = new RecordStream(inner, ledger);
        Secure = new SslStream(_records, leaveInnerStreamOpen: false);
    }

    /// <summary>What shakes hands.</summary>
    public SslStream Secure { get; }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Secure.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        buffer.Length <= RecordLength ? Secure.WriteAsync(buffer, cancellationToken) : WriteRecordsAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override void Flush() => Secure.Flush();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Secure.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await Secure.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Secure.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask WriteRecordsAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        _records.Gather();
        var isWhole = false;
        try
        {
            await Secure.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            isWhole = true;
        }
        finally
        {
            await _records.SendGatheredAsync(isWhole, cancellationToken).ConfigureAwait(false);
        }
    }
}
