using MProxy.Engine.Link;

namespace MProxy.Engine.Health;

/// <summary>
/// Tells the relay of one connection which services get new clients: the whole of it each time, and only where it is not as the relay was
/// told last. One message at a time is on its way, so that a service that changes often costs no more than the last of its states.
/// </summary>
/// <param name="connection">The connection; an old relay on it is told nothing.</param>
/// <param name="states">What is true now.</param>
/// <param name="refused">Told of an answer that accepts nothing.</param>
internal sealed class ServiceAnnouncer(LinkConnection connection, Func<IReadOnlyList<KeyValuePair<string, AnnouncedService>>> states, Action<ControlReply> refused)
{
    private readonly object _gate = new();
    private IReadOnlyList<KeyValuePair<string, AnnouncedService>>? _told;
    private bool _isTelling;
    private bool _isDue;

    /// <summary>The states may have changed. Not to be called with a lock held.</summary>
    public void Tell()
    {
        lock (_gate)
        {
            _isDue = true;
            if (_isTelling)
            {
                return;
            }

            _isTelling = true;
        }

        _ = TellAsync();
    }

    /// <summary>Ends with the link at the latest: a request always gets a reply.</summary>
    private async Task TellAsync()
    {
        while (IsDue())
        {
            var now = states();
            if (!IsNews(now) || !connection.Hello.Commands.Contains(ServicesMessage.Command))
            {
                continue;
            }

            _told = now;
            var reply = await connection.RequestAsync(ServicesMessage.Command, [ServicesMessage.Write(now)]).ConfigureAwait(false);
            if (!reply.Success && reply.Code is not (ErrorCode.LinkLost or ErrorCode.Timeout))
            {
                refused(reply);
            }
        }
    }

    private bool IsDue()
    {
        lock (_gate)
        {
            _isTelling = _isDue;
            _isDue = false;
            return _isTelling;
        }
    }

    /// <summary>A relay that was told nothing takes everything for up.</summary>
    private bool IsNews(IReadOnlyList<KeyValuePair<string, AnnouncedService>> now) =>
        _told is null ? now.Any(service => service.Value.State != ServiceState.Up) : !now.SequenceEqual(_told);
}
