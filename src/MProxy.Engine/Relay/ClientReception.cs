using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.ProxyProtocol;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Relay;

/// <summary>Reads what a client says first, as far as it is needed to find its device, and no longer than it may take.</summary>
internal sealed class ClientReception(RelaySettings settings, ResourceLedger ledger, TimeProvider time)
{
    // Most first flights fit; what does not is moved to a buffer twice as large.
    private const int FirstLength = 4 << 10;

    /// <summary>Reads until it is clear what the client is for.</summary>
    /// <param name="socket">Its connection.</param>
    /// <param name="remote">The other end of that.</param>
    /// <param name="isProxy">That is a proxy, which has to say who its client is.</param>
    /// <param name="port">What clients of the port speak.</param>
    /// <param name="name">Told where the client of a proxy comes from, when that is known. Says why it may not be; null where it may.</param>
    /// <param name="givenUp">It has to go for another.</param>
    /// <param name="canBeRaw">Some device takes a client of raw TCP: otherwise one that is silent may still show that it is none.</param>
    /// <param name="cancellationToken">The relay takes no more clients.</param>
    /// <exception cref="SocketException">The connection failed.</exception>
    /// <exception cref="OperationCanceledException">The relay takes no more clients.</exception>
    public async Task<ClientArrival> ReceiveAsync(
        Socket socket, IPEndPoint remote, bool isProxy, ClientPortKind port, Func<IPAddress, ClientRefusal?> name, Func<bool> canBeRaw, CancellationToken givenUp, CancellationToken cancellationToken)
    {
        var reading = new Reading(remote, isProxy, port, name);
        using var late = new CancellationTokenSource(settings.Current.Carrier.HandshakeTimeout, time);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, givenUp, late.Token);
        var buffer = ledger.Rent(FirstLength);
        try
        {
            for (var length = 0; ;)
            {
                if (reading.Take(buffer.AsMemory(0, length)) is { } arrival)
                {
                    return arrival;
                }

                if (length == buffer.Length)
                {
                    buffer = Grow(buffer);
                }

                var count = await TryReceiveAsync(socket, buffer.AsMemory(length), reading.IsSilentSoFar && canBeRaw(), timeout.Token).ConfigureAwait(false);
                if (count is null)
                {
                    return reading.TakeAsRaw();
                }

                if (count == 0)
                {
                    return reading.TakeAtEnd(buffer.AsMemory(0, length));
                }

                length += count.Value;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ClientArrival(remote, null, default, givenUp.IsCancellationRequested ? ClientRefusal.TooMany : ClientRefusal.Late);
        }
        finally
        {
            ledger.Return(buffer);
        }
    }

    /// <summary>Receives bytes; null where a client that speaks only when it is spoken to has said nothing for a while.</summary>
    private async Task<int?> TryReceiveAsync(Socket socket, Memory<byte> buffer, bool mayBeSilent, CancellationToken cancellationToken)
    {
        if (!mayBeSilent)
        {
            return await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false);
        }

        using var silent = new CancellationTokenSource(settings.Current.FirstByteTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silent.Token);
        try
        {
            return await socket.ReceiveAsync(buffer, SocketFlags.None, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private byte[] Grow(byte[] buffer)
    {
        var larger = ledger.Rent(2 * buffer.Length);
        buffer.CopyTo(larger, 0);
        ledger.Return(buffer);
        return larger;
    }

    /// <summary>It has to say who its client is, and is none itself.</summary>
    public bool IsTrustedProxy(IPEndPoint remote)
    {
        var address = SocketEndPoints.Unmapped(remote.Address);
        return settings.Current.TrustedProxy.Any(network => network.Contains(address));
    }

    /// <summary>What is known of one client so far: its proxy's header first, where it has to have one, then its own words.</summary>
    private sealed class Reading(IPEndPoint remote, bool needsHeader, ClientPortKind port, Func<IPAddress, ClientRefusal?> name)
    {
        private readonly ClientIntroduction? _introduction = port == ClientPortKind.Tcp ? null : new ClientIntroduction(port);
        private IPEndPoint _client = remote;
        private bool _needsHeader = needsHeader;
        private int _headerLength;
        private bool _hasSpoken;

        /// <summary>Nothing of the client itself is there, and it may be one that waits to be spoken to.</summary>
        public bool IsSilentSoFar => port == ClientPortKind.Mixed && !_needsHeader && !_hasSpoken;

        public ClientArrival? Take(ReadOnlyMemory<byte> data)
        {
            if (_needsHeader)
            {
                var (status, header) = ProxyHeaderReader.Read(data.Span);
                if (status is ProxyHeaderStatus.Malformed or ProxyHeaderStatus.Absent)
                {
                    return new ClientArrival(_client, null, default, ClientRefusal.NoProxyHeader);
                }

                if (header is null)
                {
                    return null;
                }

                // One that speaks for itself, as for a health check, is the client.
                _client = header.Source ?? _client;
                _headerLength = header.Length;
                _needsHeader = false;
                if (name(_client.Address) is { } refusal)
                {
                    return new ClientArrival(_client, null, default, refusal);
                }
            }

            var words = data[_headerLength..];
            _hasSpoken = !words.IsEmpty;
            return _introduction is null || _introduction.Read(words.Span)
                ? new ClientArrival(_client, _introduction, words.ToArray(), _introduction?.Refusal)
                : null;
        }

        public ClientArrival TakeAsRaw(ReadOnlyMemory<byte> words = default) => new(_client, null, words);

        /// <summary>The client says nothing more.</summary>
        public ClientArrival TakeAtEnd(ReadOnlyMemory<byte> data) => !_needsHeader && _introduction?.IsRawAtEnd(data.Span[_headerLength..]) == true
            ? TakeAsRaw(data[_headerLength..].ToArray())
            : new(_client, null, default, ClientRefusal.Gone);
    }
}
