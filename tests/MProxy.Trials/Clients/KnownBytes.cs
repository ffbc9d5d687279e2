using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Trials.Clients;

/// <summary>
/// Clients whose bytes are known by who says them, and where: each says its number, its length, and so many bytes, and gets as many of its service. Nobody
/// may ever see a byte that is not its own, nor take a part for the whole.
/// </summary>
/// <param name="endsAreTrue">
/// An end in order says that all was said. Of a process that was killed it does not: the system ends its connections as if it had.
/// </param>
/// <param name="apart">Which of several services it is, whose bytes are not the others'.</param>
internal sealed class KnownBytes(bool endsAreTrue = true, uint apart = 0)
{
    private const int HeadLength = 8;

    private readonly uint _answer = 0x5bd1_e995 ^ (apart * 40_503);

    /// <summary>Called when another piece was said, or heard, before that goes on.</summary>
    public delegate ValueTask Pace(bool isHeard, CancellationToken cancellationToken);

    /// <summary>A client's part: true where it has all of its answer, false where it was broken off, or has given up.</summary>
    /// <exception cref="WrongBytesException">What may never happen.</exception>
    public async Task<bool> AskAsync(IPEndPoint remote, int number, int length, CancellationToken cancellationToken, IPAddress? from = null, Pace? pace = null)
    {
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (from is not null)
            {
                client.Bind(new IPEndPoint(from, 0));
            }

            await client.ConnectAsync(remote, cancellationToken);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            TcpSocket.ResetOnClose(client);
            return false;
        }

        return await BothAsync(
            client,
            (ended, token) => SayAsync(client, number, length, pace, ended, token),
            (ended, token) => HearAsync(client, (uint)number ^ _answer, length, $"client {number}", pace, ended, token),
            cancellationToken);
    }

    /// <summary>The same, on loopback.</summary>
    public Task<bool> AskAsync(int port, int number, int length, CancellationToken cancellationToken) =>
        AskAsync(new IPEndPoint(IPAddress.Loopback, port), number, length, cancellationToken);

    /// <summary>A service's part.</summary>
    /// <exception cref="WrongBytesException">What may never happen.</exception>
    public async Task ServeAsync(Socket client)
    {
        var head = new byte[HeadLength];
        for (int have = 0, count; have < HeadLength; have += count)
        {
            count = await client.ReceiveAsync(head.AsMemory(have), SocketFlags.None);
            if (count == 0 && have == 0)
            {
                return;
            }

            if (count == 0)
            {
                EndedIn(have, HeadLength, "A service");
            }
        }

        var (number, length) = (BinaryPrimitives.ReadUInt32BigEndian(head), BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)));
        var heard = new TaskCompletionSource();
        await BothAsync(
            client,
            async (ended, token) =>
            {
                await SendAsync(client, number ^ _answer, length, null, token);

                // The end of an answer says that the question was heard whole.
                await heard.Task.WaitAsync(token);
                KnownEnd.Say(client, ended);
            },
            async (ended, token) =>
            {
                await HearAsync(client, number, length, $"The service of client {number}", null, ended, token);
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

    private async Task HearAsync(Socket socket, uint key, int length, string who, Pace? pace, ConcurrentDictionary<Socket, bool> ended, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 << 10];
        var got = 0;
        for (int count; (count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken)) > 0; got += count)
        {
            for (var i = 0; i < count; i++)
            {
                if (buffer[i] != ByteAt(key, got + i))
                {
                    throw new WrongBytesException($"Byte {got + i} of {who} is not its own.");
                }
            }

            if (pace is not null)
            {
                await pace(true, cancellationToken);
            }
        }

        KnownEnd.ThrowIfReset(socket, ended);
        EndedIn(got, length, who);
    }

    /// <summary>An end came after so many bytes.</summary>
    private void EndedIn(int got, int length, string who)
    {
        if (got > length || (got < length && endsAreTrue))
        {
            throw new WrongBytesException($"{who} took {got} of {length} bytes for the whole.");
        }

        if (got < length)
        {
            throw new SocketException((int)SocketError.ConnectionReset);
        }
    }

    private static async Task SayAsync(Socket client, int number, int length, Pace? pace, ConcurrentDictionary<Socket, bool> ended, CancellationToken cancellationToken)
    {
        var head = new byte[HeadLength];
        BinaryPrimitives.WriteInt32BigEndian(head, number);
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(4), length);
        await client.SendAsync(head, SocketFlags.None, cancellationToken);
        await SendAsync(client, (uint)number, length, pace, cancellationToken);
        KnownEnd.Say(client, ended);
    }

    private static async Task SendAsync(Socket socket, uint key, int length, Pace? pace, CancellationToken cancellationToken)
    {
        var buffer = new byte[Math.Min(length, 16 << 10)];
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
            if (pace is not null)
            {
                await pace(false, cancellationToken);
            }
        }
    }

    private static byte ByteAt(uint key, int position) => (byte)((((uint)position * 2654435761u) + (key * 2246822519u)) >> 24);
}
