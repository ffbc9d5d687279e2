using System.Net;
using MProxy.Trials.Clients;

namespace MProxy.Trials.Load;

/// <summary>
/// Clients of one relay, from many addresses. Idle ones have said and heard their bytes and stay; active ones say and hear up to 1 MiB, pause at any
/// piece, and some of them go in the middle. Each is checked to its last byte.
/// </summary>
internal sealed class Crowd(IPEndPoint relay, int seed) : IDisposable
{
    private const int IdleLength = 100;
    private const int MaxLength = 1 << 20;
    private const int Addresses = 100;

    /// <summary>One that gets neither its bytes nor an end in this time hangs.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly KnownBytes _bytes = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _clients = [];
    private int _number;
    private int _idle;

    /// <summary>Idle clients that are there, and have all of their bytes.</summary>
    public int Idle => Volatile.Read(ref _idle);

    public CrowdCount Count { get; } = new();

    /// <summary>Done when one has failed.</summary>
    public Task Failed => _failed.Task;

    /// <summary>Adds idle clients, and waits until all are there.</summary>
    public async Task AddIdleAsync(int count)
    {
        const int AtOnce = 100;
        for (var i = 0; i < count; i += AtOnce)
        {
            var wanted = Math.Min(count, i + AtOnce);
            _clients.AddRange(Enumerable.Range(i, wanted - i).Select(_ => LoopAsync(IdleAsync)));
            while (Idle < wanted && !Failed.IsCompleted)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5));
            }
        }
    }

    public void AddActive(int count) => _clients.AddRange(Enumerable.Range(0, count).Select(_ => LoopAsync(ActiveAsync)));

    /// <summary>One more that says and hears little, and does not wait.</summary>
    /// <returns>How long that took; null where it was broken off.</returns>
    public async Task<TimeSpan?> ProbeAsync()
    {
        var start = TimeProvider.System.GetTimestamp();
        return await AskAsync(NewRandom(out var number), number, IdleLength, null, CancellationToken.None) ? TimeProvider.System.GetElapsedTime(start) : null;
    }

    /// <summary>Lets the idle ones end, and the active ones end what they are at; all have to come to an end.</summary>
    public async Task EndAsync()
    {
        await _ending.CancelAsync();
        _released.SetResult();
        await Task.WhenAll(_clients);
    }

    public void Dispose() => _ending.Dispose();

    private async Task LoopAsync(Func<Task> one)
    {
        try
        {
            while (!_ending.IsCancellationRequested)
            {
                await one();
            }
        }
        catch
        {
            _failed.TrySetResult();
            throw;
        }
    }

    private async Task IdleAsync()
    {
        var isThere = 0;
        var random = NewRandom(out var number);
        var isWhole = await AskAsync(random, number, IdleLength, StayAsync, CancellationToken.None);
        if (isThere >= 2)
        {
            Interlocked.Decrement(ref _idle);
        }

        Count.Add(isWhole, isCutByItself: false);

        async ValueTask StayAsync(bool isHeard, CancellationToken cancellationToken)
        {
            // It has said all, and heard all.
            if (Interlocked.Increment(ref isThere) == 2)
            {
                Interlocked.Increment(ref _idle);
            }

            // It listens on: one that is cut off notices, and another one comes.
            if (!isHeard)
            {
                await _released.Task.WaitAsync(cancellationToken);
            }
        }
    }

    private async Task ActiveAsync()
    {
        var random = NewRandom(out var number);
        var length = (int)Math.Pow(MaxLength, random.NextDouble());
        using var leaving = new CancellationTokenSource();
        var leaves = random.Next(20) == 0;
        if (leaves)
        {
            leaving.CancelAfter(random.Next(1, 10_000));
        }

        var paces = new Random(random.Next());
        var hasThought = false;
        Count.Add(await AskAsync(random, number, length, PauseAsync, leaving.Token).WaitAsync(Patience), leaves);

        // It thinks behind its first piece, so that as many are there as are wanted, and not all on their way in.
        ValueTask PauseAsync(bool isHeard, CancellationToken cancellationToken)
        {
            int pause;
            lock (paces)
            {
                pause = !hasThought ? paces.Next(15_000) : paces.Next(3) == 0 ? paces.Next(1_000) : 0;
                hasThought = true;
            }

            return pause == 0 ? ValueTask.CompletedTask : new ValueTask(Task.Delay(TimeSpan.FromMilliseconds(pause), cancellationToken));
        }
    }

    private Task<bool> AskAsync(Random random, int number, int length, KnownBytes.Pace? pace, CancellationToken cancellationToken) =>
        _bytes.AskAsync(relay, number, length, cancellationToken, new IPAddress([127, 0, 1, (byte)(1 + random.Next(Addresses))]), pace);

    private Random NewRandom(out int number)
    {
        number = Interlocked.Increment(ref _number);

        // Seeds that follow each other begin alike.
        return new Random((int)((uint)(seed + number) * 2654435761u));
    }
}
