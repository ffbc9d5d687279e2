using System.Diagnostics;
using MProxy.Engine.Relay;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Lies;

/// <summary>Clients of an honest device, one after the other, as long as somebody lies beside them. Each gets exactly its bytes, and in time.</summary>
internal sealed class HonestClients(int port, int seed)
{
    /// <summary>The longest that one may take, on a machine that does much else.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    /// <summary>Of their relay: they come one behind the other, and are many where the liar is silent for long.</summary>
    public static readonly RelayLimits Limits = new() { MaxNewClientsPerSecond = 0, MaxNewClientsPerAddress = 0 };

    private const int MaxLength = 60_000;

    private readonly KnownBytes _bytes = new();
    private readonly Random _chance = new(seed);

    public int Count { get; private set; }

    public TimeSpan Slowest { get; private set; }

    /// <summary>One at least, and the next as long as that is to go on.</summary>
    public async Task RunAsync(Func<bool> goesOn, CancellationToken cancellationToken, TimeSpan between = default)
    {
        do
        {
            var watch = Stopwatch.StartNew();
            var isWhole = await _bytes.AskAsync(port, ++Count, _chance.Next(MaxLength), cancellationToken).WaitAsync(Bound, cancellationToken);
            Assert.True(isWhole, $"Honest client {Count} was broken off.");
            Slowest = watch.Elapsed > Slowest ? watch.Elapsed : Slowest;
            await Task.Delay(between, cancellationToken);
        }
        while (goesOn());
    }
}
