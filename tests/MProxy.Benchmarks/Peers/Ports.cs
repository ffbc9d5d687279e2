using System.Net;
using System.Net.Sockets;

namespace MProxy.Benchmarks.Peers;

/// <summary>Ports of this machine for programs that have to be told one.</summary>
internal static class Ports
{
    // Below those that systems give by themselves, so that no client comes by one.
    private const int First = 20_000;
    private const int Count = 12_000;

    private static uint _last = (uint)Environment.ProcessId * 97;

    public static IPEndPoint Free()
    {
        for (; ; )
        {
            var address = new IPEndPoint(IPAddress.Loopback, First + (int)(Interlocked.Increment(ref _last) % Count));
            using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(address);
                return address;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }
}
