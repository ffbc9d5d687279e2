using System.Net.Sockets;

namespace MProxy.Engine.Carriers;

/// <summary>Ends a connection so that the peer gets what it was told last.</summary>
internal static class Farewell
{
    private const int MaxLength = 256 << 10;
    private const int ReadLength = 4 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Sends nothing more, and listens a while longer: who is cut off while it sends may never see what it was told. Takes 2 seconds or 256 KiB
    /// at most. The socket is the caller's to close.
    /// </summary>
    public static async Task LingerAsync(Socket socket, Stream stream, ResourceLedger ledger, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        socket.Shutdown(SocketShutdown.Send);
        var buffer = ledger.Rent(ReadLength);
        try
        {
            var count = 1;
            for (var total = 0; count > 0 && total < MaxLength; total += count)
            {
                count = await stream.ReadAsync(buffer, either.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            ledger.Return(buffer);
        }
    }
}
