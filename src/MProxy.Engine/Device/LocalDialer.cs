using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Security.Authentication;
using MProxy.Engine.Carriers;
using MProxy.Engine.Health;
using MProxy.Engine.Link;
using MProxy.Engine.Metrics;
using MProxy.Engine.ProxyProtocol;

namespace MProxy.Engine.Device;

/// <summary>Takes clients to local services: whatever the map does not name is refused, and a slow or refused dial is its client's alone.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class LocalDialer(TunnelSettings settings, ServiceBoard board, Action<string> failed, SessionMeter meter, ResourceLedger ledger, TimeProvider time) : IClientHandler
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _dials = new(ledger);
    private readonly DatagramBudget _budget = new(DatagramBudget.OfAll);
    private readonly CountByReason _dropped = new();
    private readonly ConcurrentDictionary<LocalTarget, bool> _failing = [];

    /// <summary>How many clients there may be.</summary>
    public DialBound Bound { get; } = new(settings, time);

    /// <summary>Datagrams that could not go on, by reason.</summary>
    public IReadOnlyDictionary<string, long> DatagramsDropped => _dropped.All;

    public IReadOnlyList<KeyValuePair<string, AnnouncedService>> ServiceStates => board.States;

    public void Opened(DeviceLink owner, LinkConnection link, LinkClient client)
    {
        // A client is brought to its service by one and the same options, whatever changes meanwhile.
        var options = settings.Current;
        if (!options.Service.TryFind(client.Meta, out var key, out var target))
        {
            link.Fail(client, ErrorCode.NoService, "this device serves no such service");
        }
        else if (board.IsDraining(key) && !link.Hello.Commands.Contains(ServicesMessage.Command))
        {
            // A relay that can be told sends none, and those that it has sent before it knew are served.
            link.Fail(client, ErrorCode.NoService, "this service takes no clients now");
        }
        else if (!Bound.TryEnter(owner, client.IsDatagram |= !target.TakesStreams))
        {
            link.Fail(client, ErrorCode.NoService, "this device has as many clients as it takes");
        }
        else if (client.IsDatagram)
        {
            var datagrams = new LocalDatagrams(link, client, _budget, () => _dropped.Add(DatagramDrop.Full));
            client.Sink = datagrams;
            _dials.Run(() => CarryDatagramsAsync(options, link, datagrams, target));
        }
        else
        {
            ClientPump pump = target.Handler is not null || NeedsTls(options, client, target) ? new StreamPump(link, client) : new SocketPump(link, client);
            client.Sink = pump;
            _dials.Run(() => target.Handler is { } handler ? HandOverAsync(options, link, (StreamPump)pump, key, target, handler) : DialAsync(options, link, pump, target));
        }
    }

    /// <summary>The options may be others now: of a service that is gone, nothing is remembered.</summary>
    public void Forget()
    {
        foreach (var gone in _failing.Keys.Except(settings.Current.Service.Targets))
        {
            _failing.TryRemove(gone, out _);
        }
    }

    public void Ended(DeviceLink owner, LinkClient client)
    {
        if (client.Sink is ClientPump or LocalDatagrams)
        {
            Bound.Leave(owner, client.IsDatagram);
        }

        meter.ClientEnded(client.Meta.Service, client.EndCode, time.GetElapsedTime(client.Since));
    }

    public void LinkUp() => meter.LinkOpened();

    public void LinkEnded(Exception? reason) => meter.LinkEnded(reason);

    public void Measured(TimeSpan roundTrip) => meter.Answered(roundTrip);

    /// <summary>Gives up the dials that are under way.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _dials.WhenEmptyAsync().ConfigureAwait(false);
    }

    /// <summary>A client that brings TLS speaks it with the service itself, unless it ends here; one that brings none needs it where the service asks for it.</summary>
    private static bool NeedsTls(TunnelOptions options, LinkClient client, LocalTarget target) => BringsTls(client) ? options.Tls.EndsClientTls : target.UseTls;

    private static bool BringsTls(LinkClient client) => client.Meta.Service is "https" or "tls";

    private async Task DialAsync(TunnelOptions options, LinkConnection link, ClientPump pump, LocalTarget target)
    {
        using var dialling = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, pump.Stopping);
        var timeout = time.CreateTimer(_ => dialling.Cancel(), null, options.DialTimeout, Timeout.InfiniteTimeSpan);

        // Awaited, so that a timer that fires at the last moment finds its token source alive.
        await using var stopTimeout = timeout.ConfigureAwait(false);
        try
        {
            var socket = link.Ledger.Add(await ConnectAsync(options, target, pump, dialling.Token).ConfigureAwait(false));
            try
            {
                await ProxyIntroduction.SendAsync(socket, options.ProxyProtocol, pump.Client.Meta, dialling.Token).ConfigureAwait(false);
            }
            catch
            {
                TcpSocket.ResetOnClose(socket);
                link.Ledger.Close(socket);
                throw;
            }

            if (!target.UseTls)
            {
                _failing.TryRemove(target, out _);
            }

            if (!link.TryRun(pump, () => RunAsync(options, link, pump, socket, target)))
            {
                // The service must not take this for an end in order.
                pump.Abort();
                TcpSocket.ResetOnClose(socket);
                link.Ledger.Close(socket);
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ArgumentException or NotSupportedException)
        {
            if (!_stopping.IsCancellationRequested && !pump.Stopping.IsCancellationRequested)
            {
                Tell(target, error is OperationCanceledException ? "it does not accept in time" : error.Message.TrimEnd('.'));
            }

            link.Fail(pump.Client, ErrorCode.NoService, error is SocketException { SocketErrorCode: SocketError.AddressFamilyNotSupported }
                ? "the local service has no address of the family that it is to be dialled from"
                : "the local service cannot be reached");

            // Where the link is gone, nobody else tells it.
            pump.Abort();
        }
    }

    private Task HandOverAsync(TunnelOptions options, LinkConnection link, StreamPump pump, string key, LocalTarget target, IClientService handler)
    {
        var tls = BringsTls(pump.Client) && options.Tls.EndsClientTls ? options.Tls : null;
        var bridge = new ServiceBridge(handler, tls, options.DialTimeout, time);
        var connection = new ClientConnection(link, pump.Client, options.Name, options.Name, time);
        if (!link.TryRun(pump, ServeAsync))
        {
            pump.Abort();
        }

        return Task.CompletedTask;

        async Task ServeAsync()
        {
            try
            {
                if (await pump.RunAsync(BridgeAsync).ConfigureAwait(false))
                {
                    _failing.TryRemove(target, out _);
                }
            }
            catch (ServiceFailedException)
            {
                // It is told.
            }
        }

        async Task BridgeAsync(ClientStream stream, CancellationToken stopping)
        {
            try
            {
                await bridge.RunAsync(stream, connection, stopping).ConfigureAwait(false);
            }
            catch (ServiceFailedException error)
            {
                // Before its client hears of it: one that is served next makes it worth telling again.
                Tell(target, $"{key}={target} has failed", error.Message);
                throw;
            }
        }
    }

    private async Task CarryDatagramsAsync(TunnelOptions options, LinkConnection link, LocalDatagrams datagrams, LocalTarget target)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, datagrams.Stopping);
        Socket? socket = null;
        try
        {
            socket = link.Ledger.Add(await ConnectDatagramAsync(options, target, stopping.Token).ConfigureAwait(false));
            await datagrams.RunAsync(socket, reason => Tell(target, reason), () => _failing.TryRemove(target, out _), stopping.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ArgumentException)
        {
            if (!stopping.IsCancellationRequested)
            {
                Tell(target, error is OperationCanceledException ? "its name is not found in time" : error.Message.TrimEnd('.'));
            }

            link.Fail(datagrams.Client, ErrorCode.NoService, "the local service cannot be reached");
        }
        finally
        {
            if (socket is not null)
            {
                link.Ledger.Close(socket);
            }
        }
    }

    private async Task<Socket> ConnectAsync(TunnelOptions options, LocalTarget target, ClientPump pump, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        try
        {
            var socket = await new LocalConnector(options.SourceAddress, time).ConnectAsync(target, cancellationToken).ConfigureAwait(false);
            meter.Dialled(null, time.GetElapsedTime(since));
            return socket;
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            // What was given up says nothing of the service.
            if (!_stopping.IsCancellationRequested && !pump.Stopping.IsCancellationRequested)
            {
                meter.Dialled(error, time.GetElapsedTime(since));
            }

            throw;
        }
    }

    /// <summary>Nobody answers such a dial, but its name has to be found in time.</summary>
    private async Task<Socket> ConnectDatagramAsync(TunnelOptions options, LocalTarget target, CancellationToken cancellationToken)
    {
        using var looking = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var timeout = time.CreateTimer(_ => looking.Cancel(), null, options.DialTimeout, Timeout.InfiniteTimeSpan);
        await using var stopTimeout = timeout.ConfigureAwait(false);
        return await new LocalConnector(options.SourceAddress, time).ConnectDatagramAsync(target, looking.Token).ConfigureAwait(false);
    }

    private Task RunAsync(TunnelOptions options, LinkConnection link, ClientPump pump, Socket socket, LocalTarget target) => pump is SocketPump plain
        ? plain.RunAsync(socket)
        : RunTlsAsync(options, link, (StreamPump)pump, socket, target);

    private async Task RunTlsAsync(TunnelOptions options, LinkConnection link, StreamPump pump, Socket socket, LocalTarget target)
    {
        var bridge = new TlsBridge(options.Tls, target, BringsTls(pump.Client), options.DialTimeout, link.Ledger, time);
        var isWhole = false;
        try
        {
            isWhole = await pump.RunAsync(BridgeAsync).ConfigureAwait(false);
            _failing.TryRemove(target, out _);
        }
        catch (AuthenticationException)
        {
            // It is told.
        }
        finally
        {
            if (!isWhole)
            {
                // So that nobody takes half an answer for a whole one.
                TcpSocket.ResetOnClose(socket);
            }

            link.Ledger.Close(socket);
        }

        async Task BridgeAsync(ClientStream stream, CancellationToken stopping)
        {
            try
            {
                await bridge.RunAsync(stream, socket, stopping).ConfigureAwait(false);
            }
            catch (AuthenticationException error)
            {
                // Before the pump ends its client, for which all that failed is the same.
                Tell(target, error.Message);
                link.Fail(pump.Client, ErrorCode.NoService, "the local service cannot be reached");
                throw;
            }
        }
    }

    /// <summary>Once, until it can be reached again: clients may be many.</summary>
    private void Tell(LocalTarget target, string reason) => Tell(target, $"{target} cannot be reached", reason);

    private void Tell(LocalTarget target, string what, string reason)
    {
        if (_failing.TryAdd(target, true))
        {
            failed($"The local service {what}: {reason}. This is said once, until a client is served again.");
        }
    }
}
