using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MProxy.Benchmarks.Load;

/// <summary>Blocking sockets of the load's clients and server.</summary>
internal static class LoadSocket
{
    private const int PositionLength = sizeof(long);

    // Nothing that works takes as long: a tunnel that hangs ends a benchmark, instead of holding it up for ever.
    public const int Timeout = 30_000;

    /// <summary>Connects, and says what it wants.</summary>
    public static Socket Connect(EndPoint entrance, LoadCommand command, long? position = null)
    {
        var socket = new Socket(entrance.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = Timeout, SendTimeout = Timeout };
        try
        {
            socket.Connect(entrance);
            Span<byte> words = stackalloc byte[1 + PositionLength];
            words[0] = (byte)command;
            BinaryPrimitives.WriteInt64LittleEndian(words[1..], position ?? 0);
            socket.Send(words[..(position is null ? 1 : words.Length)]);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>What is there; 0 at the end, in whatever way it came.</summary>
    public static int Receive(Socket socket, Span<byte> buffer)
    {
        try
        {
            return socket.Receive(buffer);
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
        {
            return 0;
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }

    /// <exception cref="IOException">The end came before.</exception>
    public static void ReceiveExactly(Socket socket, Span<byte> buffer)
    {
        for (var at = 0; at < buffer.Length;)
        {
            var count = Receive(socket, buffer[at..]);
            at += count > 0 ? count : throw new IOException("The connection ended too early.");
        }
    }

    public static long ReceivePosition(Socket socket)
    {
        Span<byte> position = stackalloc byte[PositionLength];
        ReceiveExactly(socket, position);
        return BinaryPrimitives.ReadInt64LittleEndian(position);
    }

    /// <summary>Ends it at once, whatever is still on its way.</summary>
    public static void Reset(Socket socket)
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.Dispose();
    }
}
