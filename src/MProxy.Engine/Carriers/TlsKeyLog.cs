using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>
/// The secrets of TLS connections in a file, so that Wireshark can read captures of them. .NET has one such file for all connections of a process, on Linux
/// and FreeBSD, and decides about it at the first of them.
/// </summary>
public static class TlsKeyLog
{
    private const string Switch = "System.Net.EnableSslKeyLogging";
    private const string Variable = "SSLKEYLOGFILE";

    private static readonly object Gate = new();
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static string? _path;

    /// <summary>From now on the secrets of each TLS connection of this process are added to a file, which is made for this user alone. Again is once.</summary>
    /// <param name="path">The file, which may be there already.</param>
    /// <exception cref="KeyLogException">This system cannot, the process has used TLS before or writes to another file, or the file cannot be had.</exception>
    public static void Write(string path)
    {
        lock (Gate)
        {
            if (_path == path)
            {
                return;
            }

            if (_path is not null)
            {
                throw new KeyLogException($"This process writes its key log to '{_path}' already, and has no other beside it.");
            }

            if (!OperatingSystem.IsLinux() && !OperatingSystem.IsFreeBSD())
            {
                throw new KeyLogException("Only where TLS is that of OpenSSL, which is Linux and FreeBSD, can there be a key log.");
            }

            Make(path);
            var before = Environment.GetEnvironmentVariable(Variable);
            try
            {
                Environment.SetEnvironmentVariable(Variable, path);
                AppContext.SetSwitch(Switch, true);
                if (!TryWrite(path))
                {
                    throw new KeyLogException("This process has used TLS before, and .NET makes a key log from the first connection on or not at all (and none before .NET 9): start a new session, and give the path at first.");
                }
            }
            finally
            {
                // Not for programs that are started from here.
                Environment.SetEnvironmentVariable(Variable, before);
            }

            _path = path;
        }
    }

    private static void Make(string path)
    {
        try
        {
            using var file = OutputFile.Open(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)) != 0)
            {
                throw new KeyLogException($"The key log '{path}' is there already, and others may use it: take it away, or give it a mode of 600.");
            }
        }
        catch (Exception error) when (OutputFile.IsRefused(error) && error is not KeyLogException)
        {
            throw new KeyLogException($"The key log '{path}' cannot be written: {error.Message}", error);
        }
    }

    private static bool TryWrite(string path)
    {
        try
        {
            return IsWritten(path);
        }
        catch (Exception error) when (error is AggregateException or SocketException or IOException or AuthenticationException or OperationCanceledException)
        {
            throw new KeyLogException($"Whether a key log is written could not be tried: {error.Message}", error);
        }
    }

    /// <summary>Has a connection with itself, and looks whether its secrets are there.</summary>
    private static bool IsWritten(string path)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=key log", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        using var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        near.Connect(listener.LocalEndPoint!);
        using var far = listener.Accept();
        using var server = new SslStream(new NetworkStream(far));
        using var client = new SslStream(new NetworkStream(near));
        var length = new FileInfo(path).Length;

        // Whoever else may have come in first does not hold it up.
        using var patience = new CancellationTokenSource(Patience);
        Task.WaitAll(
            Task.Run(() => server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, patience.Token)),
            Task.Run(() => client.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "key log",
                    RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString(),
                },
                patience.Token)));
        return new FileInfo(path).Length > length;
    }
}
