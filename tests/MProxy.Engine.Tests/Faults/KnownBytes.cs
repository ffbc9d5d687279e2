using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Faults;

/// <summary>
/// Clients whose bytes are known by who says them, and where: each says its number, its length, and so many bytes, and gets as many of its service. Nobody
/// may ever see a byte that is not its own, nor take a part for the whole.
/// </summary>
internal static class KnownBytes
{
    private const int HeadLength = 8;
    private const uint Answer = 0x5bd1_e995;

    /// <summary>A client's part: true where it has all of its answer, false where it was broken off.</summary>
    public static async Task<bool> AskAsync(int port, int number, int length, CancellationToken cancellationToken)
    {
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await client.ConnectAsync("127.0.0.1", port, cancellationToken);
        }
        catch (SocketException)
        {
            return false;
        }

        return await BothAsync(
            client,
            (ended, token) => SayAsync(client, number, length, ended, token),
            (ended, token) => HearAsync(client, (uint)number ^ Answer, length, $"client {number}", ended, token),
            cancellationToken);
    }

    /// <summary>A service's part.</summary>
    public static async Task ServeAsync(Socket client)
    {
        var head = new byte[HeadLength];
        for (int have = 0, count; have < HeadLength; have += count)
        {
            count = await client.ReceiveAsync(head.AsMemory(have), SocketFlags.None);
            Assert.True(count > 0 || have == 0, "A client ended in order in the middle of its head.");
            if (count == 0)
            {
                return;
            }
        }

        var (number, length) = (BinaryPrimitives.ReadUInt32BigEndian(head), BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)));
        var heard = new TaskCompletionSource();
        await BothAsync(
            client,
            async (ended, token) =>
            {
                await SendAsync(client, number ^ Answer, length, token);

                // The end of an answer says that the question was heard whole.
                await heard.Task.WaitAsync(token);
                KnownEnd.Say(client, ended);
            },
            async (ended, token) =>
            {
                await HearAsync(client, number, length, $"the service of client {number}", ended, token);
                heard.SetResult();
            },
            CancellationToken.None);
    }

    /// <summary>Speaks and hears at once. Where one fails the other is given up before the socket is closed, so that this is no end in order.</summary>
    private static async Task<bool> BothAsync(
        Socket socket,
        Func<ConcurrentDictionary<Socket, bool>, CancellationToken, Task> speak,
        Func<ConcurrentDictionary<Socket, bool>, CancellationToken, Task> hear,
        CancellationToken cancellationToken)
    {
        ConcurrentDictionary<Socket, bool> ended = [];
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var isWhole = await Task.WhenAll(OutcomeAsync(speak), OutcomeAsync(hear));
        if (isWhole.All(one => one))
        {
            return true;
        }

        TcpSocket.ResetOnClose(socket);
        return false;

        async Task<bool> OutcomeAsync(Func<ConcurrentDictionary<Socket, bool>, CancellationToken, Task> part)
        {
            try
            {
                await part(ended, ending.Token);
                return true;
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException)
            {
                await ending.CancelAsync();
                return false;
            }
        }
    }

    private static async Task HearAsync(Socket socket, uint key, int length, string who, ConcurrentDictionary<Socket, bool> ended, CancellationToken cancellationToken)
    {
        var buffer = new byte[32 << 10];
        var got = 0;
        for (int count; (count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken)) > 0; got += count)
        {
            for (var i = 0; i < count; i++)
            {
                if (buffer[i] != ByteAt(key, got + i))
                {
                    Assert.Fail($"Byte {got + i} of {who} is not its own.");
                }
            }
        }

        KnownEnd.ThrowIfReset(socket, ended);
        Assert.True(got == length, $"{who} took {got} of {length} bytes for the whole.");
    }

    private static async Task SayAsync(Socket client, int number, int length, ConcurrentDictionary<Socket, bool> ended, CancellationToken cancellationToken)
    {
        var head = new byte[HeadLength];
        BinaryPrimitives.WriteInt32BigEndian(head, number);
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(4), length);
        await client.SendAsync(head, SocketFlags.None, cancellationToken);
        await SendAsync(client, (uint)number, length, cancellationToken);
        KnownEnd.Say(client, ended);
    }

    private static async Task SendAsync(Socket socket, uint key, int length, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 << 10];
        for (var sent = 0; sent < length;)
        {
            var count = Math.Min(buffer.Length, length - sent);
            for (var i = 0; i < count; i++)
            {
                buffer[i] = ByteAt(key, sent + i);
            }

            for (var done = 0; done < count;)
            {
                done += await socket.SendAsync(buffer.AsMemory(done, count - done), SocketFlags.None, cancellationToken);
            }

            sent += count;
        }
    }

    private static byte ByteAt(uint key, int position) => (byte)((((uint)position * 2654435761u) + (key * 2246822519u)) >> 24);
}
