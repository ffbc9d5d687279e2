using System.Collections.Concurrent;
using System.Net.Sockets;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Lies;

/// <summary>One peer that lies, beside others that do not. Its seed says all that it does.</summary>
internal abstract class LyingSession(int seed) : IDisposable
{
    // What waits for a slow client is bounded by these, so that little is enough to reach them.
    protected const int HighMark = 64 << 10;
    protected const int LinkBudget = 2 << 20;

    private readonly List<string> _trace = [];

    public int Seed { get; } = seed;

    /// <summary>What was done, for whoever reads of a seed that failed.</summary>
    public string Trace
    {
        get
        {
            lock (_trace)
            {
                return string.Join("; ", _trace);
            }
        }
    }

    public int Moves { get; private set; }

    public int HonestCount { get; protected set; }

    public TimeSpan Slowest { get; protected set; }

    /// <summary>The code, or what else is said, of each end of a lying link.</summary>
    public ConcurrentBag<string> Ends { get; } = [];

    protected Random Chance { get; } = new(seed);

    protected CancellationTokenSource Stopping { get; } = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    protected static LinkOptions Bounds { get; } = new() { HighMark = HighMark, LowMark = HighMark / 4, ClientBound = LinkBudget / 2, LinkBudget = LinkBudget };

    public abstract Task RunAsync();

    public void Dispose() => Stopping.Dispose();

    /// <summary>Ends of links, as events tell of them.</summary>
    protected static Event[] EndsIn(ConcurrentQueue<Event> events) => [.. events.Where(one => one.Kind is EventKind.LinkLost or EventKind.LinkRefused)];

    protected void Note(string what)
    {
        lock (_trace)
        {
            _trace.Add(what);
            Moves++;
        }
    }

    protected string AnyScheme() => Chance.Next(8) switch
    {
        0 => "tls",
        < 5 => "ws",
        _ => "tcp",
    };

    /// <summary>A local service whose clients may be broken off.</summary>
    protected static FrontService NewService(Func<Socket, Task> serve) => new(async client =>
    {
        try
        {
            await serve(client);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Nobody may be waiting for it any more, and it is no exception that nobody has seen.
        }
    });

    protected static void IsEmpty(ResourceLedger ledger) => Assert.Equal("0 open, 0 buffers, 0 loops", $"{ledger}");
}
