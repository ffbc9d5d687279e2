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

    /// <summary>A device of this relay may have a client, so that nobody has to be asked.</summary>
    public bool IsHere(in FrameMeta meta) => registry.Closeness(meta) is not null;

    /// <summary>Brings a client of a stream to a device.</summary>
    /// <returns>Why none took it, null where it is there; and where it may be tried again, when.</returns>
    public async Task<(ClientRefusal? Refusal, Task? Free)> AdmitAsync(FrameMeta meta, IPEndPoint remote, DeviceJoin join, CancellationToken cancellationToken)
    {
        // First of all: who is not let in makes nobody ask the directory.
        if (admission.TryEnter(remote.Address, isDatagram: false) is { } denied)
        {
            return (denied, null);
        }

        var isThere = false;
        try
        {
            var (refusal, free) = await OpenAsync(meta, join, cancellationToken).ConfigureAwait(false);
            isThere = refusal is null;
            return (refusal, free);
        }
        finally
        {
            if (!isThere)
            {
                admission.Leave(remote.Address, isDatagram: false);
            }
        }
    }

    /// <summary>Brings a client of datagrams to a device, where that can be decided at once.</summary>
    /// <returns>False where the directory, or another relay, has to be asked first: <see cref="PrepareAsync"/>.</returns>
    public bool TryAdmit(in FrameMeta meta, IPEndPoint remote, DeviceJoin join, out ClientRefusal? refusal)
    {
        refusal = admission.TryEnter(remote.Address, isDatagram: true);
        if (refusal is not null)
        {
            return true;
        }

        var isDecided = TryOpen(meta, join, out refusal);
        if (!isDecided || refusal is not null)
        {
            admission.Leave(remote.Address, isDatagram: true);
        }

        return isDecided;
    }

    /// <summary>Asks the directory, and dials the relay that it leads to; or the next where that cannot be reached.</summary>
    public async Task PrepareAsync(FrameMeta meta, CancellationToken cancellationToken)
    {
        foreach (var place in await fleet.FindAsync(meta, new ClosenessRange(registry.Closeness(meta) ?? 0), cancellationToken).ConfigureAwait(false))
        {
            if (await fleet.TryDialAsync(place.Node, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    /// <summary>Brings a client of another relay to a device of this one.</summary>
    public async Task BringAsync(HopGuest guest, bool isDraining, CancellationToken cancellationToken)
    {
        var refusal = ClientRefusal.Unreachable;
        var isThere = false;
        try
        {
            using var patience = new Patience(GuestPatience, time, cancellationToken);
            for (; ; )
            {
                Task? free = null;
                refusal = isDraining ? ClientRefusal.NoDevice : local.Admit(guest.Meta, guest.EndPoint, guest.IsDatagram, guest.Join, out free, isGuest: true);
                isThere = refusal is null;
                if (free is null || guest.IsOver || patience.Token.IsCancellationRequested)
                {
                    return;
                }

                await free.WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            // In any case: its link waits for one of them.
            if (isThere)
            {
                guest.Start();
            }
            else
            {
                guest.Refuse(CodeOf(refusal!), refusal!.Reason);
            }
        }
    }

    /// <summary>What another relay is told.</summary>
    private static string CodeOf(ClientRefusal refusal) =>
        refusal == ClientRefusal.Duplicate ? ErrorCode.Duplicate
        : refusal == ClientRefusal.Denied ? ErrorCode.NotGranted
        : refusal.MeansNoDevice ? ErrorCode.NoDevice : ErrorCode.Busy;

    /// <summary>Nobody serves it as closely as that, now at least: whoever does less closely is next.</summary>
    private static bool GoesFurther(ClientRefusal refusal) => refusal == ClientRefusal.NoDevice || refusal == ClientRefusal.NotHealthy || refusal == ClientRefusal.Unreachable;

    /// <summary>How closely this relay's own devices are granted a client, null for not at all; and that nobody can be more closely.</summary>
    private (int? Here, bool IsClosest) LookHere(in FrameMeta meta)
    {
        var here = registry.Closeness(meta);
        return (here, here is { } closeness && closeness == (GrantRules.NameOf(meta)?.Length ?? 1));
    }

    /// <summary>From the closest grants of the fleet to the least close; of those that are alike this relay's own are first.</summary>
    private async Task<(ClientRefusal? Refusal, Task? Free)> OpenAsync(FrameMeta meta, DeviceJoin join, CancellationToken cancellationToken)
    {
        if (registry.Drained.Contains(meta))
        {
            return (ClientRefusal.NameDrained, null);
        }

        var (here, isClosest) = LookHere(meta);
        ClientRefusal? last = null;
        for (var below = int.MaxValue; ;)
        {
            var places = isClosest ? [] : await fleet.FindAsync(meta, new ClosenessRange(here ?? 0, below), cancellationToken).ConfigureAwait(false);
            if (here is { } closeness && !(places is [var closer, ..] && closer.Closeness > closeness))
            {
                var refusal = local.Open(meta, join, out var free);
                if (free is not null || refusal?.MayGoElsewhere != true)
                {
                    return (refusal, free);
                }

                places = await fleet.FindAsync(meta, new ClosenessRange(closeness, closeness + 1), cancellationToken).ConfigureAwait(false);
                (last, below, here, isClosest) = (refusal, closeness, null, false);
                if (places.Count == 0)
                {
                    if (GoesFurther(refusal))
                    {
                        continue;
                    }

                    return (refusal, null);
                }
            }

            if (places.Count == 0)
            {
                return (last ?? registry.WhyNone(meta), null);
            }

            last = await fleet.ForwardAsync(meta, places, link => local.NotedJoin(link, join), cancellationToken).ConfigureAwait(false);
            if (last is null || !GoesFurther(last))
            {
                return (last, null);
            }

            below = places[0].Closeness;
        }
    }

    private bool TryOpen(in FrameMeta meta, DeviceJoin join, out ClientRefusal? refusal)
    {
        refusal = null;
        if (registry.Drained.Contains(meta))
        {
            refusal = ClientRefusal.NameDrained;
            return true;
        }

        var (here, isClosest) = LookHere(meta);
        var places = isClosest ? [] : fleet.TryFind(meta, new ClosenessRange(here ?? 0));
        if (places is null)
        {
            return false;
        }

        if (here is { } closeness && !(places is [var closer, ..] && closer.Closeness > closeness))
        {
            refusal = local.Open(meta, join, out _);
            if (refusal?.MayGoElsewhere != true)
            {
                return true;
            }

            places = fleet.TryFind(meta, new ClosenessRange(0, closeness + 1));
            if (places is null)
            {
                return false;
            }
        }

        if (places.Count == 0)
        {
            refusal ??= registry.WhyNone(meta);
            return true;
        }

        if (places.Select(place => fleet.LinkTo(place.Node)).FirstOrDefault(link => link is not null) is not { } up)
        {
            return false;
        }

        refusal = Open(up, meta, join);
        return true;
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
