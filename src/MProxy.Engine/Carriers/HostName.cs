using System.Net;

namespace MProxy.Engine.Carriers;

/// <summary>Finds what addresses a name has.</summary>
internal static class HostName
{
    /// <summary>All that the system knows, in its order; an address is its own.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">It has none, or nobody can be asked.</exception>
    /// <exception cref="OperationCanceledException">It was given up. The system, which cannot be told so, looks on by itself.</exception>
    public static async Task<IPAddress[]> FindAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out var literal))
        {
            return [SocketEndPoints.Unmapped(literal)];
        }

        var looking = Dns.GetHostAddressesAsync(host, CancellationToken.None);
        try
        {
            return Array.ConvertAll(await looking.WaitAsync(cancellationToken).ConfigureAwait(false), SocketEndPoints.Unmapped);
        }
        catch (OperationCanceledException)
        {
            _ = looking.ContinueWith(late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw;
        }
    }
}
