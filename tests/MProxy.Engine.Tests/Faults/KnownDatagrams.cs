using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Tests.Faults;

/// <summary>
/// Datagrams that say whose they are, which of its own, and how long, with bytes that follow from that. Whoever gets one knows whether it was sent
/// like this, by that client: none may be another's, cut, or glued to the next.
/// </summary>
internal sealed class KnownDatagrams
{
    public const int HeadLength = 13;

    /// <summary>The highest number that each client has sent so far.</summary>
    private readonly ConcurrentDictionary<int, int> _sent = [];

    private readonly ConcurrentDictionary<(IPEndPoint From, int Client), bool> _seen = [];
    private readonly ConcurrentQueue<(int Client, int Whose)> _strays = [];

    /// <summary>A service's part: reads a question, which must be one that its client has sent.</summary>
    /// <returns>The answer, of the same length.</returns>
    public byte[] Answer(byte[] question, IPEndPoint from)
    {
        var (client, number) = Check(question, isAnswer: false);
        Assert.True(_sent.TryGetValue(client, out var last) && number <= last, $"Datagram {number} of client {client} was never sent.");
        _seen[(from, client)] = true;
        return Make(client, number, question.Length, isAnswer: true);
    }

    /// <summary>
    /// Nobody got what was for another. But for one case that is UDP's own: the system gave a port of the device that a client had just left to the next,
    /// while an answer was still on its way there.
    /// </summary>
    public void NoneIsAnothers()
    {
        foreach (var (client, whose) in _strays)
        {
            var ports = _seen.Keys.Where(seen => seen.Client == whose).Select(seen => seen.From);
            Assert.True(ports.Any(port => _seen.ContainsKey((port, client))), $"Client {client} got a datagram of client {whose}.");
        }
    }

    /// <summary>Asks until a number is answered, and looks at whatever comes meanwhile.</summary>
    /// <returns>How often it had to ask.</returns>
    public async Task<int> AskAsync(UdpClient socket, int client, int number, int length, CancellationToken cancellationToken)
    {
        _sent[client] = number;
        for (var tries = 1; ; tries++)
        {
            Assert.InRange(tries, 1, 200);
            await socket.SendAsync(Make(client, number, length, isAnswer: false), cancellationToken);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(TimeSpan.FromMilliseconds(150));
            try
            {
                for (; ; )
                {
                    var (whose, which) = Check((await socket.ReceiveAsync(patience.Token)).Buffer, isAnswer: true);
                    if (client != whose)
                    {
                        _strays.Enqueue((client, whose));
                        continue;
                    }

                    Assert.InRange(which, 0, number);
                    if (which == number)
                    {
                        return tries;
                    }
                }
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
            }
        }
    }

    private static byte[] Make(int client, int number, int length, bool isAnswer)
    {
        var datagram = new byte[Math.Max(length, HeadLength)];
        datagram[0] = isAnswer ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(datagram.AsSpan(1), client);
        BinaryPrimitives.WriteInt32BigEndian(datagram.AsSpan(5), number);
        BinaryPrimitives.WriteInt32BigEndian(datagram.AsSpan(9), datagram.Length);
        for (var i = HeadLength; i < datagram.Length; i++)
        {
            datagram[i] = ByteAt(client, number, isAnswer, i);
        }

        return datagram;
    }

    private static (int Client, int Number) Check(byte[] datagram, bool isAnswer)
    {
        Assert.True(datagram.Length >= HeadLength, $"A datagram of {datagram.Length} bytes was sent by nobody.");
        Assert.Equal(isAnswer ? 1 : 0, datagram[0]);
        var (client, number) = (BinaryPrimitives.ReadInt32BigEndian(datagram.AsSpan(1)), BinaryPrimitives.ReadInt32BigEndian(datagram.AsSpan(5)));
        Assert.Equal(BinaryPrimitives.ReadInt32BigEndian(datagram.AsSpan(9)), datagram.Length);
        for (var i = HeadLength; i < datagram.Length; i++)
        {
            if (datagram[i] != ByteAt(client, number, isAnswer, i))
            {
                Assert.Fail($"Byte {i} of datagram {number} of client {client} is not its own.");
            }
        }

        return (client, number);
    }

    private static byte ByteAt(int client, int number, bool isAnswer, int at) =>
        (byte)((((uint)((client * 31) + number + (isAnswer ? 7 : 0)) * 2_654_435_761) + ((uint)at * 40_503)) >> 11);
}
