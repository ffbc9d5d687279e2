using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MProxy.Engine.ProxyProtocol;
using MProxy.Engine.Tests.Carriers;

namespace MProxy.Engine.Tests.Front;

/// <summary>A small HTTP/1.1 server that answers with its name and what it was asked, and keeps the connection.</summary>
internal sealed class NamedWeb(string name) : IDisposable
{
    private readonly Lazy<X509Certificate2> _certificate = new(() => TestCertificate.SelfSigned(name));

    public X509Certificate2 Certificate => _certificate.Value;

    /// <summary>What was asked since the start: method, host, target, and how long the body was.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Where clients came from as PROXY headers said.</summary>
    public ConcurrentQueue<string> Clients { get; } = [];

    public Task ServeAsync(Socket client) => ServeAsync(new NetworkStream(client), TestContext.Current.CancellationToken);

    /// <summary>Expects a PROXY header first, of any version.</summary>
    public async Task ServeProxiedAsync(Socket client)
    {
        var header = await ReadHeaderAsync(client);
        Clients.Enqueue($"{header.Version} {header.Source?.ToString() ?? "unknown"} {header.Authority}".TrimEnd());
        await ServeAsync(client);
    }

    public async Task ServeTlsAsync(Socket client)
    {
        await using var tls = new SslStream(new NetworkStream(client));
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = Certificate }, TestContext.Current.CancellationToken);
        await ServeAsync(tls, TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        if (_certificate.IsValueCreated)
        {
            _certificate.Value.Dispose();
        }
    }

    /// <summary>The header in front of a connection, and not a byte more.</summary>
    public static async Task<ProxyHeader> ReadHeaderAsync(Socket client)
    {
        List<byte> all = [];
        var one = new byte[1];
        for (; ; )
        {
            await LocalService.ReadExactlyAsync(client, one);
            all.Add(one[0]);
            var (status, header) = ProxyHeaderReader.Read(all.ToArray());
            if (header is not null)
            {
                return header;
            }

            Assert.Equal(ProxyHeaderStatus.Incomplete, status);
        }
    }

    private async Task ServeAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1);
        while (await reader.ReadLineAsync(cancellationToken) is { } first)
        {
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            for (string? line; (line = await reader.ReadLineAsync(cancellationToken)) is { Length: > 0 };)
            {
                var parts = line.Split(':', 2);
                headers[parts[0]] = parts[1].Trim();
            }

            var length = await SkipBodyAsync(reader, headers, cancellationToken);
            var words = first.Split(' ');
            var asked = $"{words[0]} {headers.GetValueOrDefault("Host", "-")} {words[1]} {length}";
            Requests.Enqueue(asked);
            var body = $"{name}: {asked}\n";
            await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}"), cancellationToken);
        }
    }

    private static async Task<int> SkipBodyAsync(StreamReader reader, Dictionary<string, string> headers, CancellationToken cancellationToken)
    {
        if (!headers.ContainsKey("Transfer-Encoding"))
        {
            return await SkipAsync(reader, int.Parse(headers.GetValueOrDefault("Content-Length", "0"), CultureInfo.InvariantCulture), cancellationToken);
        }

        for (var total = 0; ;)
        {
            var length = int.Parse((await reader.ReadLineAsync(cancellationToken))!, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            total += await SkipAsync(reader, length, cancellationToken);
            Assert.Equal("", await reader.ReadLineAsync(cancellationToken));
            if (length == 0)
            {
                return total;
            }
        }
    }

    private static async Task<int> SkipAsync(StreamReader reader, int length, CancellationToken cancellationToken)
    {
        // A reader that is asked for nothing waits for something all the same.
        Assert.Equal(length, length == 0 ? 0 : await reader.ReadBlockAsync(new char[length], cancellationToken));
        return length;
    }
}
