using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>Shows the relay of a link that is up the tokens that came since it connected, and takes back those that went.</summary>
/// <param name="wanted">The tokens that the link shows.</param>
/// <param name="life">The connection there is now; null for none. The next one shows what is wanted anyway.</param>
/// <param name="refused">Told of a token that a relay refuses although it is wanted.</param>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore has no wait handle.")]
internal sealed class TokenSync(TokenList wanted, Func<LinkLife?> life, Action<LinkException> refused)
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Shows tokens that are not wanted yet, to see whether the relay takes them. <see cref="SyncAsync"/> takes them back where they are not wanted then either.</summary>
    /// <exception cref="LinkException">It refused one, or did not answer in time.</exception>
    public async Task TryAsync(IEnumerable<string> tokens, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var now = life();
            foreach (var token in now?.Shown.Missing(wanted.Missing(tokens)) ?? [])
            {
                if (await ShowAsync(now!, token, cancellationToken).ConfigureAwait(false) is { } refusal)
                {
                    throw refusal;
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Makes what the relay has what is wanted. What is new comes first, so that clients whose token is exchanged for another stay.</summary>
    public async Task SyncAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (life() is not { } now)
            {
                return;
            }

            foreach (var token in now.Shown.Missing(wanted.All))
            {
                if (await ShowAsync(now, token, CancellationToken.None).ConfigureAwait(false) is { } refusal)
                {
                    refused(refusal);
                }
            }

            foreach (var token in wanted.Missing(now.Shown.All))
            {
                // Whatever the answer: the relay has it no more, or the link is gone.
                now.Shown.Apply("delete_token", token);
                await now.Connection.RequestAsync("delete_token", token).ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Shows one token.</summary>
    /// <returns>Why it was refused; null where it was not, or the link was lost meanwhile.</returns>
    private static async Task<LinkException?> ShowAsync(LinkLife now, string token, CancellationToken cancellationToken)
    {
        // Noted first: where nobody waits for the answer any more, the relay may have it.
        now.Shown.Apply("add_token", token);
        var reply = await now.Connection.RequestAsync("add_token", token).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (reply.Success || reply.Code == ErrorCode.LinkLost)
        {
            return null;
        }

        if (reply.Code != ErrorCode.Timeout)
        {
            now.Shown.Apply("delete_token", token);
        }

        return LinkLife.Refusal(reply);
    }
}
