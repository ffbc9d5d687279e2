using System.Net.Sockets;

namespace MProxy.Engine.Carriers;

/// <summary>Makes unix sockets the one way they are used here: for the user alone who runs the relay.</summary>
internal static class UnixSocket
{
    private const int Backlog = 1024;

    /// <summary>Listens on a socket file; a file that a dead listener left behind makes room. Closing the socket deletes the file.</summary>
    /// <exception cref="SocketException">Somebody listens there, or the path cannot be had.</exception>
    public static Socket Listen(string path)
    {
        if (IsLeftBehind(path))
        {
            File.Delete(path);
        }

        var socket = Create();
        try
        {
            ListenFailure.Name(path, () => socket.Bind(new UnixDomainSocketEndPoint(path)));
            if (!OperatingSystem.IsWindows())
            {
                // Before Listen: nobody can have come in under the mode that the umask gave.
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The path of a socket file as it stands in an address, which on Windows has a slash before the drive; null where it is longer than
    /// this system's socket files may be called.
    /// </summary>
    public static string? PathFrom(string text)
    {
        var path = OperatingSystem.IsWindows() && text is [_, _, ':', ..] ? text[1..] : text;
        try
        {
            _ = new UnixDomainSocketEndPoint(path);
            return path;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    public static async Task<Socket> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = Create();
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Socket Create() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private static bool IsLeftBehind(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using var probe = Create();
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return false;
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path);
        }
    }

    /// <summary>Connecting to a file that is no socket is refused as well, and must not cost anybody that file.</summary>
    private static bool IsSocket(string path)
    {
        try
        {
            // For writing too: a named pipe opened to read alone would wait for a writer.
            using var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
