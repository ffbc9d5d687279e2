using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using MProxy.Engine.Link;
using MProxy.Engine.ProxyProtocol;

namespace MProxy.Engine.Device;

/// <summary>Takes clients to local services: whatever the map does not name is refused, and a slow or refused dial is its client's alone.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class LocalDialer(TunnelOptions options, LocalConnector connector, ResourceLedger ledger, TimeProvider time) : IClientHandler
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _dials = new(ledger);

    public void Opened(LinkConnection link, LinkClient client)
    {
        if (options.Service.Find(client.Meta) is { } target)
        {
            client.Sink = new ClientPump(link, client);
            _dials.Run(() => DialAsync(link, client, target));
        }
        else
        {
            link.Fail(client, ErrorCode.NoService, "this device serves no such service");
        }
    }

    /// <summary>Gives up the dials that are under way.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _dials.WhenEmptyAsync().ConfigureAwait(false);
    }

    private async Task DialAsync(LinkConnection link, LinkClient client, LocalTarget target)
    {
        using var dialling = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var timeout = time.CreateTimer(_ => dialling.Cancel(), null, options.DialTimeout, Timeout.InfiniteTimeSpan);

        // Awaited, so that a timer that fires at the last moment finds its token source alive.
        await using var stopTimeout = timeout.ConfigureAwait(false);
        try
        {
            var socket = link.Ledger.Add(await connector.ConnectAsync(target, dialling.Token).ConfigureAwait(false));
            try
            {
                await ProxyIntroduction.SendAsync(socket, options.ProxyProtocol, client.Meta, dialling.Token).ConfigureAwait(false);
            }
            catch
            {
                link.Ledger.Close(socket);
                throw;
            }

            if (!link.TryAttach(client, socket))
            {
                link.Ledger.Close(socket);
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ArgumentException or NotSupportedException)
        {
            link.Fail(client, ErrorCode.NoService, error is SocketException { SocketErrorCode: SocketError.AddressFamilyNotSupported }
                ? "the local service has no address of the family that it is to be dialled from"
                : "the local service cannot be reached");
        }
    }
}
