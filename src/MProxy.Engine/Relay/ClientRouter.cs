using System.Buffers;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Http;
using MProxy.Engine.Link;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>Brings each client that arrives to a device, or tells it in its own protocol that there is none.</summary>
/// <param name="settings">Limits, ports and proxies.</param>
/// <param name="registry">Who may serve what.</param>
/// <param name="admission">Who may come in.</param>
/// <param name="records">Where those are noted who are turned away.</param>
/// <param name="tasks">Who waits for what is under way.</param>
/// <param name="ledger">Where sockets and buffers are noted.</param>
/// <param name="time">The clock.</param>
internal sealed class ClientRouter(RelaySettings settings, LinkRegistry registry, ClientAdmission admission, ClientRecords records, TaskSet tasks, ResourceLedger ledger, TimeProvider time)
{
    private const string AcmePath = "/.well-known/acme-challenge/";

    /// <summary>What is asked for behind that is one token of base64url. Source: RFC 8555, section 8.3.</summary>
    private static readonly SearchValues<char> AcmeToken = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>How long a client waits whose address and port may still be meant for another.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ClientReception _reception = new(settings, ledger, time);
    private readonly CountByReason _refused = new();

    /// <summary>Where https is, for clients that are sent there.</summary>
    public int HttpsPort { get; set; }

    /// <summary>The other relays; null where there are none.</summary>
    public FleetRouter? Fleet { get; set; }

    /// <summary>How many clients were turned away since the start.</summary>
    public long RefusedCount => _refused.Total;

    /// <summary>How many of those for which reason, told in a few fixed words.</summary>
    public IReadOnlyDictionary<string, long> RefusedBy => _refused.All;

    /// <summary>How many of those because another client of the same address and port was on the link, or had just been.</summary>
    public long DuplicateCount => _refused.All.GetValueOrDefault(ClientRefusal.Duplicate.Reason);

    /// <summary>Takes a client that was accepted.</summary>
    public void Accept(Socket socket, ClientPortKind port, CancellationToken cancellationToken)
    {
        ledger.Add(socket);
        try
        {
            if (socket is not { RemoteEndPoint: IPEndPoint remote, LocalEndPoint: IPEndPoint local })
            {
                Reset(socket, ClientRefusal.Gone);
            }
            else if (Arrive(socket, remote, local.Port, port, cancellationToken) is { } refusal)
            {
                Reset(socket, refusal, Meta(remote, null, local.Port));
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Gone before it could be asked who it is.
            Reset(socket, ClientRefusal.Gone);
        }
    }

    /// <summary>Listens to a client first where that is needed, and brings it to a device at once where not.</summary>
    /// <returns>Why not; null where it is under way.</returns>
    private ClientRefusal? Arrive(Socket socket, IPEndPoint remote, int servicePort, ClientPortKind port, CancellationToken cancellationToken)
    {
        // A proxy is no client: those come from elsewhere, and it has to say from where.
        var address = _reception.IsTrustedProxy(remote) ? null : remote.Address;
        if (address is not null && admission.Check(address) is { } denied)
        {
            return denied;
        }

        ClientArrival? arrival = null;
        if (address is not null && port == ClientPortKind.Tcp)
        {
            arrival = new ClientArrival(remote, null, default);
            if (Fleet?.IsHere(Meta(remote, null, servicePort)) != false)
            {
                var refusal = Route(socket, arrival, servicePort, out var free);
                if (free is null && !(Fleet is not null && refusal?.MayGoElsewhere == true))
                {
                    return refusal;
                }
            }
        }

        // It is left to the collector: it has no timer, and who gives up may look at it late.
        var givenUp = new CancellationTokenSource();
        if (admission.Arrivals.TryEnter(address, () => _ = givenUp.CancelAsync()) is not { } place)
        {
            return ClientRefusal.TooManyOfAddress;
        }

        tasks.Run(() => ReceiveAsync(socket, remote, place, servicePort, port, arrival, givenUp.Token, cancellationToken));
        return null;
    }

    private async Task ReceiveAsync(
        Socket socket, IPEndPoint remote, WaitingRoom.Place place, int servicePort, ClientPortKind port, ClientArrival? arrival, CancellationToken givenUp, CancellationToken cancellationToken)
    {
        try
        {
            arrival ??= await _reception.ReceiveAsync(
                socket, remote, _reception.IsTrustedProxy(remote), port, Name, () => registry.HasDevice(Meta(remote, null, servicePort)), givenUp, cancellationToken).ConfigureAwait(false);
            if ((arrival.Refusal ?? await RouteAsync(socket, arrival, servicePort, givenUp, cancellationToken).ConfigureAwait(false)) is { } refusal)
            {
                await RefuseAsync(socket, refusal, Meta(arrival.EndPoint, arrival.Introduction, servicePort), givenUp, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            Reset(socket, ClientRefusal.Gone, Meta(remote, null, servicePort));
        }
        finally
        {
            place.Dispose();
        }

        ClientRefusal? Name(IPAddress client) => place.TryName(client) ? null : place.IsGivenUp ? ClientRefusal.TooMany : ClientRefusal.TooManyOfAddress;
    }

    /// <summary>Brings a client to a device, and waits where its address and port were another's who has just left.</summary>
    private async Task<ClientRefusal?> RouteAsync(Socket socket, ClientArrival arrival, int servicePort, CancellationToken givenUp, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, givenUp, cancellationToken);
        for (; ; )
        {
            var (refusal, free) = Fleet is null
                ? (Route(socket, arrival, servicePort, out var released), released)
                : await RouteInFleetAsync(Fleet, socket, arrival, servicePort, either.Token).ConfigureAwait(false);
            if (free is null || patience.IsCancellationRequested || givenUp.IsCancellationRequested)
            {
                return refusal is not null && givenUp.IsCancellationRequested ? ClientRefusal.TooMany : refusal;
            }

            try
            {
                await free.WaitAsync(either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Once more, and then it is refused.
            }
        }
    }

    /// <summary>Brings a client to a device.</summary>
    /// <param name="socket">The client.</param>
    /// <param name="arrival">What it is for.</param>
    /// <param name="servicePort">Where it came.</param>
    /// <param name="free">Done when it may be tried again; null where there is no use in that.</param>
    /// <returns>Why not; null where it is there, and the socket is its link's.</returns>
    private ClientRefusal? Route(Socket socket, ClientArrival arrival, int servicePort, out Task? free)
    {
        free = null;
        return Redirect(arrival) is { } redirect ? redirect
            : Answer(arrival, Admit(Meta(arrival.EndPoint, arrival.Introduction, servicePort), arrival.EndPoint, isDatagram: false, JoinOf(socket, arrival), out free));
    }

    /// <summary>Brings a client to a device, of whatever relay of the fleet.</summary>
    private async Task<(ClientRefusal? Refusal, Task? Free)> RouteInFleetAsync(
        FleetRouter fleet, Socket socket, ClientArrival arrival, int servicePort, CancellationToken cancellationToken)
    {
        if (Redirect(arrival) is { } redirect)
        {
            return (redirect, null);
        }

        var meta = Meta(arrival.EndPoint, arrival.Introduction, servicePort);
        var (refusal, free) = await fleet.AdmitAsync(meta, arrival.EndPoint, JoinOf(socket, arrival), cancellationToken).ConfigureAwait(false);
        return (Answer(arrival, refusal), free);
    }

    /// <summary>What a client is told, in its own protocol.</summary>
    private static ClientRefusal? Answer(ClientArrival arrival, ClientRefusal? refusal) => arrival.Introduction is not { } introduction || refusal is null || refusal == ClientRefusal.Denied ? refusal
        : refusal == ClientRefusal.NoDevice ? introduction.NoDevice
        : refusal.MeansNoDevice ? introduction.NoDevice with { Reason = refusal.Reason }
        : introduction.Busy(refusal);

    /// <summary>Makes the end of a client at this side: its socket is its link's from then on.</summary>
    private DeviceJoin JoinOf(Socket socket, ClientArrival arrival)
    {
        var filter = FilterOf(arrival.Introduction, settings.Current.RedirectToHttps);
        return (link, connection, client) =>
        {
            var (up, down) = link.NewThrottles(client);
            var pump = new SocketPump(connection, client, arrival.First, filter, up, down);
            return (pump, () => pump.RunAsync(socket));
        };
    }

    /// <summary>Clients of plain http that have to come by https are told so.</summary>
    private ClientRefusal? Redirect(ClientArrival arrival) =>
        settings.Current.RedirectToHttps && arrival.Introduction is { } introduction ? Redirect(introduction) : null;

    /// <summary>Brings a client to the first link that takes it.</summary>
    /// <param name="meta">Who it is, and what it is for.</param>
    /// <param name="remote">Where it comes from.</param>
    /// <param name="isDatagram">It has no connection.</param>
    /// <param name="join">Makes its end at this side.</param>
    /// <param name="free">Done when it may be tried again, since only a client that has just left is in its way; else null.</param>
    /// <param name="isGuest">Another relay has brought it.</param>
    /// <returns>Why none did; null where it is there.</returns>
    public ClientRefusal? Admit(in FrameMeta meta, IPEndPoint remote, bool isDatagram, DeviceJoin join, out Task? free, bool isGuest = false)
    {
        free = null;
        if (admission.TryEnter(remote.Address, isDatagram, isGuest) is { } refusal)
        {
            return refusal;
        }

        refusal = Open(meta, join, out free);
        if (refusal is not null)
        {
            admission.Leave(remote.Address, isDatagram, isGuest);
        }

        return refusal;
    }

    /// <summary>The same for one that was let in already.</summary>
    public ClientRefusal? Open(in FrameMeta meta, DeviceJoin join, out Task? free)
    {
        free = null;
        var candidates = registry.Candidates(meta);
        var (isFull, isDuplicate) = (false, false);
        try
        {
            foreach (var link in candidates)
            {
                switch (link.TryOpen(meta, NotedJoin(link, join)))
                {
                    case OpenResult.Opened:
                        free = null;
                        return null;
                    case OpenResult.HeldBack:
                        free ??= link.Connection.WhenReleased(meta);
                        break;
                    case OpenResult.Duplicate:
                        isDuplicate = true;
                        break;
                    case OpenResult.Full:
                        isFull = true;
                        break;
                    default:
                        break;
                }
            }
        }
        catch (FrameFieldException)
        {
            return ClientRefusal.NameTooLong;
        }

        return isDuplicate || free is not null ? ClientRefusal.Duplicate
            : isFull ? ClientRefusal.DevicesFull : candidates.Length == 0 ? registry.WhyNone(meta) : ClientRefusal.NoDevice;
    }

    /// <summary>Makes the end of a client on a link, and notes that it has come there.</summary>
    public ClientJoin NotedJoin(IClientLink link, DeviceJoin join) => (connection, client) =>
    {
        // Under the link's lock: before it can be over.
        records.Opened(client, link.Name);
        return join(link, connection, client);
    };

    private static FrameMeta Meta(IPEndPoint client, ClientIntroduction? introduction, int servicePort) =>
        ClientIdentity.ToMeta(client) with { Service = introduction?.Service ?? "tcp", ServicePort = servicePort, Name = introduction?.Name };

    /// <summary>A connection that was routed by its host never carries a request for another; one routed by its question, no question for another name.</summary>
    private static IClientFilter? FilterOf(ClientIntroduction? introduction, bool needsHttps) => introduction switch
    {
        { Request: not null, Name: { } name } => new HttpRequestFollower(name, ServerName.TryFold, needsHttps ? IsForCertificate : null),
        { Service: ClientService.DnsOverTcp } => new DnsQueryFollower(introduction.Name),
        _ => null,
    };

    /// <summary>
    /// Certificates are asked for by plain http, so that those requests go to the device as they come. Nothing but the token may stand behind the
    /// path: a server that goes up by dots would be reached as a whole.
    /// </summary>
    private static bool IsForCertificate(HttpRequestHead request) =>
        request.PathAndQuery is var path && path.StartsWith(AcmePath, StringComparison.Ordinal) && path.Length > AcmePath.Length
        && !path.AsSpan(AcmePath.Length).ContainsAnyExcept(AcmeToken);

    private ClientRefusal? Redirect(ClientIntroduction introduction)
    {
        if (introduction.Service != "http" || (introduction.Request is { } asked && IsForCertificate(asked)))
        {
            return null;
        }

        return introduction.Request is { } request && HttpAnswer.RedirectToHttps(request, HttpsPort) is { } answer
            ? introduction.Answer("it has to come by https", answer)
            : introduction.Answer("it has to come by https, and cannot be sent there", introduction.IsHttp2 ? HttpAnswer.NoHttp2 : HttpAnswer.NotUnderstood);
    }

    /// <summary>It keeps its place until it has its answer: where that is wanted for another, it is reset.</summary>
    private async Task RefuseAsync(Socket socket, ClientRefusal refusal, FrameMeta client, CancellationToken givenUp, CancellationToken cancellationToken)
    {
        if (refusal.Answer.IsEmpty)
        {
            Reset(socket, refusal, client);
            return;
        }

        Count(refusal, client);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(givenUp, cancellationToken);
        try
        {
            var stream = new NetworkStream(socket, ownsSocket: false);
            await using (stream.ConfigureAwait(false))
            {
                // It fits into the send buffer of a fresh connection: nobody can hold this up.
                await stream.WriteAsync(refusal.Answer, either.Token).ConfigureAwait(false);
                await Farewell.LingerAsync(socket, stream, ledger, time, either.Token).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
        }

        if (givenUp.IsCancellationRequested)
        {
            TcpSocket.ResetOnClose(socket);
        }

        ledger.Close(socket);
    }

    /// <summary>At once: nobody waits for an answer that will not come.</summary>
    private void Reset(Socket socket, ClientRefusal refusal, in FrameMeta client = default)
    {
        Count(refusal, client);
        TcpSocket.ResetOnClose(socket);
        ledger.Close(socket);
    }

    /// <summary>A client was turned away.</summary>
    public void Count(ClientRefusal refusal, in FrameMeta client)
    {
        _refused.Add(refusal.Reason);
        records.Refused(client, refusal);
    }
}
