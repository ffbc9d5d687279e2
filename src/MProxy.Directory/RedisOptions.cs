using System.Net;
using System.Net.Security;
using MProxy.Engine.Fleet;
using StackExchange.Redis;

namespace MProxy.Directory;

/// <summary>How the package is told to behave: it never keeps anybody waiting for a server that is not there.</summary>
internal static class RedisOptions
{
    private const int TimeoutMilliseconds = 2000;

    /// <param name="uri">The directory.</param>
    /// <param name="judge">Judges the certificate that a server shows.</param>
    public static ConfigurationOptions Of(DirectoryUri uri, RemoteCertificateValidationCallback judge)
    {
        var options = new ConfigurationOptions
        {
            // Until it was there once each try is one of its own, which says why it fails. Lost, it is tried again in the background, and what is asked meanwhile
            // fails at once.
            AbortOnConnectFail = true,
            BacklogPolicy = BacklogPolicy.FailFast,
            ReconnectRetryPolicy = new LinearRetry(500),
            ConnectTimeout = TimeoutMilliseconds,
            AsyncTimeout = TimeoutMilliseconds,
            SyncTimeout = TimeoutMilliseconds,
            KeepAlive = 5,
            HeartbeatInterval = TimeSpan.FromMilliseconds(500),
            ClientName = "mproxy",
            DefaultDatabase = uri.Database,
            User = uri.User,
            Password = uri.Password,
            Ssl = uri.IsSecure,

            // An exception must not tell what was asked, nor the machine's load.
            IncludeDetailInExceptions = false,
            IncludePerformanceCountersInExceptions = false,
        };
        options.CertificateValidation += judge;
        if (uri.Certificate is { } certificate)
        {
            options.CertificateSelection += (_, _, _, _, _) => certificate;
        }

        foreach (var (host, port) in uri.Servers)
        {
            options.EndPoints.Add(IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port));
        }

        return options;
    }
}
