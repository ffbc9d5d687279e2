using System.Threading.Channels;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>The events of a relay, link or tunnel, to be waited for.</summary>
internal sealed class EventLog
{
    private readonly Channel<Event> _events = Channel.CreateUnbounded<Event>();

    public void Take(object? sender, Event happened) => _events.Writer.TryWrite(happened);

    /// <summary>The next event of one of these kinds; those before it are passed over.</summary>
    public async Task<Event> NextAsync(params EventKind[] kinds)
    {
        for (; ; )
        {
            var next = await _events.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            if (kinds.Contains(next.Kind))
            {
                return next;
            }
        }
    }

    /// <summary>How many events of a kind have come and were not waited for.</summary>
    public int Count(EventKind kind)
    {
        var count = 0;
        while (_events.Reader.TryRead(out var next))
        {
            count += next.Kind == kind ? 1 : 0;
        }

        return count;
    }
}
