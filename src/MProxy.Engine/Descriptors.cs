using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MProxy.Engine;

/// <summary>
/// Keeps the last descriptors of the process for the runtime: it takes some for each thread that it starts, and where there are none it ends the process
/// ("Out of memory."). The system gives the lowest number that is free, so that the number of a socket says how many are left.
/// </summary>
internal static class Descriptors
{
    private const int Reserve = 32;

    // Where the bound is a struct of two numbers of 64 bits, and by which name it goes. Windows has no such bound.
    private static readonly int OpenFiles = !Environment.Is64BitProcess ? -1 : OperatingSystem.IsLinux() ? 7 : OperatingSystem.IsMacOS() ? 8 : -1;

    /// <summary>Whether the next socket would be one of the last: then clients wait, or are told so.</summary>
    public static bool AreShort
    {
        get
        {
            if (OpenFiles < 0)
            {
                return false;
            }

            try
            {
                using var next = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                return IsReserved(next);
            }
            catch (SocketException error)
            {
                // Others are no matter of how many there are, such as a system without IPv4.
                return error.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable;
            }
        }
    }

    /// <summary>Whether a socket is one of the last.</summary>
    public static bool IsReserved(Socket socket)
    {
        if (OpenFiles < 0 || GetLimit(OpenFiles, out var limit) != 0)
        {
            return false;
        }

        // Of a bound that is small itself, a quarter.
        var reserve = Math.Min(Reserve, limit.Current / 4);
        try
        {
            return (ulong)socket.SafeHandle.DangerousGetHandle() >= limit.Current - reserve;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    [DllImport("libc", EntryPoint = "getrlimit", SetLastError = false)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetLimit(int resource, out Limit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Limit
    {
        public readonly ulong Current;
        public readonly ulong Most;
    }
}
