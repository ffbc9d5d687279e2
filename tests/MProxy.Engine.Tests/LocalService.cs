using System.Net.Sockets;
using System.Security.Cryptography;

namespace MProxy.Engine.Tests;

/// <summary>What a local service does with a client, and what a client does with what it gets.</summary>
internal static class LocalService
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task EchoAsync(Socket local)
    {
        var buffer = new byte[30_000];
        for (int count; (count = await local.ReceiveAsync(buffer, Token)) > 0;)
        {
            await SendAllAsync(local, buffer.AsMemory(0, count), count);
        }
    }

    /// <summary>One byte asks for an answer of its own.</summary>
    public static async Task SendOnRequestAsync(Socket local, byte[] answer)
    {
        var request = new byte[1];
        if (await local.ReceiveAsync(request, Token) > 0)
        {
            await SendAllAsync(local, answer, 64 << 10);
        }
    }

    /// <summary>Sends until the other side is gone.</summary>
    public static async Task FloodAsync(Socket local)
    {
        var bytes = RandomNumberGenerator.GetBytes(64 << 10);
        for (; ; )
        {
            await SendAllAsync(local, bytes, bytes.Length);
        }
    }

    /// <summary>Reads all, and says nothing.</summary>
    public static async Task IgnoreAsync(Socket local)
    {
        var buffer = new byte[256 << 10];
        while (await local.ReceiveAsync(buffer, Token) > 0)
        {
        }
    }

    public static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, int step)
    {
        for (var at = 0; at < bytes.Length;)
        {
            at += await socket.SendAsync(bytes.Slice(at, Math.Min(step, bytes.Length - at)), Token);
        }
    }

    public static async Task<byte[]> ReadAllAsync(Socket socket)
    {
        using var all = new MemoryStream();
        var buffer = new byte[50_000];
        for (int count; (count = await socket.ReceiveAsync(buffer, Token)) > 0;)
        {
            all.Write(buffer, 0, count);
        }

        return all.ToArray();
    }

    public static async Task ReadExactlyAsync(Socket socket, Memory<byte> target)
    {
        while (!target.IsEmpty)
        {
            var count = await socket.ReceiveAsync(target, Token);
            target = count > 0 ? target[count..] : throw new EndOfStreamException();
        }
    }
}
