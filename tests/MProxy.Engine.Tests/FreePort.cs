using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Tests;

/// <summary>Ports for whoever has to know the number before it is open.</summary>
internal static class FreePort
{
    // Below those that systems give by themselves: no other socket of a test comes by one.
    private const int First = 20_000;
    private const int Count = 12_000;

    // Test projects run beside each other.
    private static uint _last = (uint)Environment.ProcessId * 97;

    /// <summary>One that nobody listens on, over TCP and UDP, and that nobody else is told.</summary>
    public static int Take()
    {
        for (; ; )
        {
            var port = First + (int)(Interlocked.Increment(ref _last) % Count);
            if (CanBind(port, SocketType.Stream, ProtocolType.Tcp) && CanBind(port, SocketType.Dgram, ProtocolType.Udp))
            {
                return port;
            }
        }
    }

    private static bool CanBind(int port, SocketType type, ProtocolType protocol)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, type, protocol);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
