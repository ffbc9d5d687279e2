using MProxy.Engine.Fleet;

namespace MProxy.Engine.Relay;

/// <summary>
/// Tells the directory which devices have a link here. Where another machine with a device's token came later, at whatever relay, the link here ends; where
/// the device itself did, its link here is looked at.
/// </summary>
/// <param name="directory">The directory.</param>
/// <param name="node">This relay's name in the fleet.</param>
/// <param name="replace">Ends a link whose device another machine has taken over from.</param>
/// <param name="probe">Asks a link whether it still lives.</param>
/// <param name="nextBeat">Gives what is done when the directory has answered the next time.</param>
/// <param name="time">The clock.</param>
internal sealed class ClaimSync(
    IFleetDirectory directory, string node, Action<RelayLink> replace, Action<RelayLink> probe, Func<Task> nextBeat, TimeProvider time)
{
    private const int BatchLength = 200;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    /// <summary>The devices, by the ids of their tokens.</summary>
    public DeviceClaims<RelayLink> Held { get; } = new();

    /// <summary>Another relay has told the directory of a device.</summary>
    public void Heard(DeviceClaim claim)
    {
        switch (Held.Heard(claim))
        {
            case ({ } link, true):
                replace(link);
                break;
            case ({ } link, false):
                // It came back elsewhere: is this link still alive?
                probe(link);
                break;
            default:
                break;
        }
    }

    /// <summary>Tells of devices as they come, until it is cancelled. What could not be told is told again with the next beat.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            for (; ; )
            {
                var claims = await Held.TakeAsync(BatchLength, cancellationToken).ConfigureAwait(false);
                var told = await Task.WhenAll(claims.Select(claim => TryTellAsync(claim, cancellationToken))).ConfigureAwait(false);
                if (told.Contains(false))
                {
                    Held.GiveBack(claims.Where((_, i) => !told[i]));
                    await nextBeat().WaitAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    private async Task<bool> TryTellAsync(DeviceClaim claim, CancellationToken cancellationToken)
    {
        using var patience = new Patience(AnswerTimeout, time, cancellationToken);
        try
        {
            var answer = await directory.ClaimAsync(claim, node, patience.Token).ConfigureAwait(false);
            if (answer.Session == claim.Session)
            {
                Held.Heard(answer);
            }
            else if (Held.Lost(claim) is { } link)
            {
                replace(link);
            }

            return true;
        }
        catch (Exception error) when (error is FleetDirectoryException or OperationCanceledException)
        {
            return false;
        }
    }
}
