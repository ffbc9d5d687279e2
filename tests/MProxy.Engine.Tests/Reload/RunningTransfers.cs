using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Reload;

/// <summary>Clients of a relay's port whose service sends back what comes. The last quarter of each stays behind until it is let go, so that none is done before.</summary>
internal sealed class RunningTransfers : IDisposable
{
    private readonly TaskCompletionSource _rest = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Socket> _clients = [];
    private readonly long[] _received;
    private Task<bool>[] _running = [];

    private RunningTransfers(int count) => _received = new long[count];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>How many bytes have come back to all of them.</summary>
    public long Received => Enumerable.Range(0, _received.Length).Sum(i => Interlocked.Read(ref _received[i]));

    /// <summary>Some are over.</summary>
    public bool HaveEnded => _running.Any(task => task.IsCompleted);

    /// <summary>Starts them, and returns when each has got its first bytes.</summary>
    /// <param name="port">The relay's port.</param>
    /// <param name="count">How many clients.</param>
    /// <param name="length">What each sends, in bytes.</param>
    public static async Task<RunningTransfers> StartAsync(int port, int count, int length)
    {
        var transfers = new RunningTransfers(count);
        for (var i = 0; i < count; i++)
        {
            transfers._clients.Add(await TcpSocket.ConnectAsync("127.0.0.1", port, Token));
        }

        transfers._running = [.. transfers._clients.Select((client, i) => Task.Run(() => transfers.RunAsync(client, i, length)))];
        await Until.TrueAsync(() => transfers._received.All(received => Volatile.Read(ref received) > 0) || transfers.HaveEnded);
        Assert.False(transfers.HaveEnded);
        return transfers;
    }

    /// <summary>Nothing is held back any more.</summary>
    public void LetGo() => _rest.TrySetResult();

    /// <summary>Lets them finish. None was done before it was let go, and each has got back what it sent, to the last byte.</summary>
    public async Task FinishAsync()
    {
        Assert.False(HaveEnded && !_rest.Task.IsCompleted);
        LetGo();
        Assert.All(await Task.WhenAll(_running).WaitAsync(TimeSpan.FromSeconds(120), Token), Assert.True);
    }

    public void Dispose()
    {
        _rest.TrySetResult();
        _clients.ForEach(client => client.Dispose());
    }

    private async Task<bool> RunAsync(Socket client, int number, int length)
    {
        using var sent = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var got = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await Task.WhenAll(SendAsync(client, length, sent), ReceiveAsync(client, number, got));
        return _received[number] == length && sent.GetHashAndReset().AsSpan().SequenceEqual(got.GetHashAndReset());
    }

    private async Task SendAsync(Socket client, int length, IncrementalHash hash)
    {
        var bytes = RandomNumberGenerator.GetBytes(64 << 10);
        for (var at = 0; at < length;)
        {
            if (at >= length / 4 * 3)
            {
                await _rest.Task.WaitAsync(Token);
            }

            var step = Math.Min(bytes.Length, length - at);
            BitConverter.TryWriteBytes(bytes, at);
            hash.AppendData(bytes, 0, step);
            await LocalService.SendAllAsync(client, bytes.AsMemory(0, step), step);
            at += step;
        }

        client.Shutdown(SocketShutdown.Send);
    }

    private async Task ReceiveAsync(Socket client, int number, IncrementalHash hash)
    {
        var buffer = new byte[64 << 10];
        for (int count; (count = await client.ReceiveAsync(buffer, Token)) > 0;)
        {
            hash.AppendData(buffer, 0, count);
            Interlocked.Add(ref _received[number], count);
        }
    }
}
