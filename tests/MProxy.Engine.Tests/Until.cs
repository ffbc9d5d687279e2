using System.Net.Sockets;

namespace MProxy.Engine.Tests;

/// <summary>Waits for what nobody tells of, without a sleep: whatever makes it true gets its turn in between.</summary>
internal static class Until
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static Task TrueAsync(Func<bool> condition) => TrueAsync(() => Task.FromResult(condition()));

    /// <summary>The same for what has to be asked for.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Patience, "It did not come true in time.");
            await Task.Yield();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Opens a port again that was just closed: a process that another test starts holds copies of all sockets here until it runs its own program.</summary>
    public static async Task<T> OpenAsync<T>(Func<T> open)
        where T : class
    {
        T? opened = null;
        await TrueAsync(() =>
        {
            try
            {
                opened = open();
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
            }

            return opened is not null;
        });
        return opened!;
    }
}
