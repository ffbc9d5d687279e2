using System.Net;
using MProxy.Engine.Fleet;
using MProxy.Engine.Link;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>
/// Brings clients to devices wherever in the fleet they are: to those whose grants name the client most closely, and of these to this relay's own first.
/// A client that another relay has brought goes to a device of this relay, or nowhere: there is one hop, and no loop.
/// </summary>
/// <param name="fleet">The other relays.</param>
/// <param name="local">Brings clients to this relay's devices.</param>
/// <param name="registry">Who of those may serve what.</param>
/// <param name="admission">Who may come in.</param>
/// <param name="time">The clock.</param>
internal sealed class FleetRouter(RelayFleet fleet, ClientRouter local, LinkRegistry registry, ClientAdmission admission, TimeProvider time)
{
    /// <summary>How long a client of another relay waits whose address and port may still be meant for one before it.</summary>
    private static readonly TimeSpan GuestPatience = TimeSpan.FromSeconds(2);

    /// <summary>Brings a client of a stream to a device.</summary>
    /// <returns>Why none took it, null where it is there; and where it may be tried again, when.</returns>
    public async Task<(ClientRefusal? Refusal, Task? Free)> AdmitAsync(FrameMeta meta, IPEndPoint remote, DeviceJoin join, CancellationToken cancellationToken)
    {
        var (here, isClosest) = LookHere(meta);
        var places = isClosest ? [] : await fleet.FindAsync(meta, here ?? 0, cancellationToken).ConfigureAwait(false);
        if (IsFirst(here, places))
        {
            var refusal = local.Admit(meta, remote, isDatagram: false, join, out var free);
            if (free is not null || refusal?.MayGoElsewhere != true)
            {
                return (refusal, free);
            }

            places = isClosest ? await fleet.FindAsync(meta, here!.Value, cancellationToken).ConfigureAwait(false) : places;
        }

        return (await ForwardAsync(meta, remote, places, join, cancellationToken).ConfigureAwait(false), null);
    }

    /// <summary>Brings a client of datagrams to a device, where that can be decided at once.</summary>
    /// <returns>False where the directory, or another relay, has to be asked first: <see cref="PrepareAsync"/>.</returns>
    public bool TryAdmit(in FrameMeta meta, IPEndPoint remote, DeviceJoin join, out ClientRefusal? refusal)
    {
        refusal = null;
        var (here, isClosest) = LookHere(meta);
        var places = isClosest ? [] : fleet.TryFind(meta, here ?? 0);
        if (places is null)
        {
            return false;
        }

        if (IsFirst(here, places))
        {
            refusal = local.Admit(meta, remote, isDatagram: true, join, out _);
            if (refusal?.MayGoElsewhere != true)
            {
                return true;
            }

            places = isClosest ? fleet.TryFind(meta, here!.Value) : places;
            if (places is null)
            {
                return false;
            }
        }

        if (places.Count == 0 || registry.Drained.Contains(meta))
        {
            refusal = registry.WhyNone(meta);
            return true;
        }

        if (fleet.LinkTo(places[0].Node) is not { } link)
        {
            return false;
        }

        refusal = admission.TryEnter(remote.Address, isDatagram: true);
        if (refusal is null)
        {
            refusal = Open(link, meta, join);
            if (refusal is not null)
            {
                admission.Leave(remote.Address, isDatagram: true);
            }
        }

        return true;
    }

    /// <summary>Asks the directory, and dials the relay that it leads to.</summary>
    public async Task PrepareAsync(FrameMeta meta, CancellationToken cancellationToken)
    {
        var places = await fleet.FindAsync(meta, registry.Closeness(meta) ?? 0, cancellationToken).ConfigureAwait(false);
        if (places is [var first, ..])
        {
            await fleet.DialAsync(first.Node, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Brings a client of another relay to a device of this one.</summary>
    public async Task BringAsync(HopGuest guest, bool isDraining, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(GuestPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        for (; ; )
        {
            Task? free = null;
            var refusal = isDraining ? ClientRefusal.NoDevice : local.Admit(guest.Meta, guest.EndPoint, guest.IsDatagram, guest.Join, out free, isGuest: true);
            if (refusal is null)
            {
                guest.Start();
                return;
            }

            if (free is null || guest.IsOver || either.IsCancellationRequested)
            {
                guest.Refuse(CodeOf(refusal), refusal.Reason);
                return;
            }

            await free.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>What another relay is told.</summary>
    private static string CodeOf(ClientRefusal refusal) =>
        refusal == ClientRefusal.Duplicate ? ErrorCode.Duplicate
        : refusal == ClientRefusal.Denied ? ErrorCode.NotGranted
        : refusal.MeansNoDevice ? ErrorCode.NoDevice : ErrorCode.Busy;

    /// <summary>This relay's devices come first, unless others' grants name the client more closely.</summary>
    private static bool IsFirst(int? here, IReadOnlyList<HopPlace> places) => here is { } closeness && !(places is [var first, ..] && first.Closeness > closeness);

    /// <summary>How closely this relay's own devices are granted a client, null for not at all; and that nobody can be more closely.</summary>
    private (int? Here, bool IsClosest) LookHere(in FrameMeta meta)
    {
        var here = registry.Closeness(meta);
        return (here, here is { } closeness && closeness == (GrantRules.NameOf(meta)?.Length ?? 1));
    }

    /// <summary>Takes a client to another relay. It counts here too, as long as it is there.</summary>
    private async Task<ClientRefusal?> ForwardAsync(FrameMeta meta, IPEndPoint remote, IReadOnlyList<HopPlace> places, DeviceJoin join, CancellationToken cancellationToken)
    {
        if (places.Count == 0 || registry.Drained.Contains(meta))
        {
            return registry.WhyNone(meta);
        }

        if (admission.TryEnter(remote.Address, isDatagram: false) is { } denied)
        {
            return denied;
        }

        var isThere = false;
        try
        {
            var refusal = await fleet.ForwardAsync(meta, places, link => local.NotedJoin(link, join), cancellationToken).ConfigureAwait(false);
            isThere = refusal is null;
            return refusal;
        }
        finally
        {
            if (!isThere)
            {
                admission.Leave(remote.Address, isDatagram: false);
            }
        }
    }

    /// <summary>Without waiting for word: what is refused is over, and the next datagram tries again.</summary>
    private ClientRefusal? Open(PeerLink link, in FrameMeta meta, DeviceJoin join)
    {
        try
        {
            return link.TryOpen(meta, local.NotedJoin(link, join), waits: false, out _) switch
            {
                OpenResult.Opened => null,
                OpenResult.Duplicate or OpenResult.HeldBack => ClientRefusal.Duplicate,
                _ => ClientRefusal.Unreachable,
            };
        }
        catch (FrameFieldException)
        {
            return ClientRefusal.NameTooLong;
        }
    }
}
