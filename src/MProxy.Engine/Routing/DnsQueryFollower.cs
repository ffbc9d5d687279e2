using MProxy.Engine.Link;

namespace MProxy.Engine.Routing;

/// <summary>
/// Goes along with a client of DNS over TCP that was routed by its first question, and lets no question for another name through: those belong to
/// other devices perhaps, and whoever asks opens another connection (RFC 7766, section 6.2.4).
/// </summary>
/// <param name="name">The name of the first question.</param>
internal sealed class DnsQueryFollower(string? name) : IClientFilter
{
    private int _rest;

    /// <inheritdoc/>
    public bool NeedsAnswer => false;

    /// <inheritdoc/>
    public FilterVerdict Check(ReadOnlySpan<byte> pending, out int allowed)
    {
        allowed = 0;
        while (allowed < pending.Length)
        {
            if (_rest == 0)
            {
                var query = DnsStreamQuery.TryRead(pending[allowed..], out var length, out var needsMore);
                if (needsMore)
                {
                    return FilterVerdict.More;
                }

                if (query is null || query.Name != name)
                {
                    return FilterVerdict.Stop;
                }

                _rest = length;
            }

            var count = Math.Min(_rest, pending.Length - allowed);
            _rest -= count;
            allowed += count;
        }

        return FilterVerdict.Go;
    }

    /// <inheritdoc/>
    public void AnswerSeen(ReadOnlySpan<byte> bytes)
    {
    }
}
