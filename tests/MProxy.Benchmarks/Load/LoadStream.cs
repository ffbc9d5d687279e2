using System.Net.Sockets;

namespace MProxy.Benchmarks.Load;

/// <summary>One end of a bulk transfer.</summary>
internal static class LoadStream
{
    private const int PieceLength = LoadPattern.MaxPiece;

    /// <summary>Sends until the other end is gone, or this one is closed.</summary>
    public static void Send(Socket socket, long position)
    {
        try
        {
            for (; ; )
            {
                position += socket.Send(LoadPattern.At(position, PieceLength));
            }
        }
        catch (SocketException)
        {
        }
        catch (ObjectDisposedException)
        {
        }
    }

    /// <summary>Receives and checks until the end.</summary>
    /// <exception cref="InvalidDataException">Wrong bytes came.</exception>
    public static void Receive(Socket socket, long position, Action<int> received)
    {
        var buffer = new byte[PieceLength];
        for (int count; (count = LoadSocket.Receive(socket, buffer)) > 0; position += count)
        {
            LoadPattern.Check(position, buffer.AsSpan(0, count));
            received(count);
        }
    }
}
