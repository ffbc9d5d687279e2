using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using MProxy.Engine.Device;
using MProxy.Engine.Http;
using MProxy.Engine.ProxyProtocol;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Health;

/// <summary>Probes a local service once, in the way in which its clients come to it.</summary>
internal sealed class ServiceCheck(TunnelSettings settings, ResourceLedger ledger, TimeProvider time)
{
    private const int BufferLength = 4 << 10;

    /// <summary>Probes it.</summary>
    /// <returns>What is wrong with it, as the end of a sentence; null where it is well.</returns>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public async Task<string?> RunAsync(string key, LocalTarget target, ServiceProbe probe, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(probe.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            var options = settings.Current;
            var socket = ledger.Add(await new LocalConnector(options.SourceAddress, time).ConnectAsync(target, either.Token).ConfigureAwait(false));
            try
            {
                // No client: the header says that this machine speaks for itself.
                await ProxyIntroduction.SendAsync(socket, options.ProxyProtocol, default, either.Token).ConfigureAwait(false);
                return probe.HttpPath is { } path ? await AskAsync(socket, target, Request(path, key), either.Token).ConfigureAwait(false) : null;
            }
            finally
            {
                ledger.Close(socket);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return string.Create(CultureInfo.InvariantCulture, $"no answer within {probe.Timeout.TotalSeconds:0.###} s");
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "connection refused",
                SocketError.AddressNotAvailable when target.SocketPath is not null => "there is no such socket file",
                _ => EndOfSentence(error),
            };
        }
        catch (Exception error) when (error is IOException or AuthenticationException or InvalidOperationException or ArgumentException or NotSupportedException)
        {
            return EndOfSentence(error);
        }
    }

    /// <summary>The one request of a connection. Nothing but the key and the path of the probe gets into it.</summary>
    internal static byte[] Request(string path, string key) => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: {Host(key)}\r\nUser-Agent: MProxy\r\nAccept: */*\r\nConnection: close\r\n\r\n");

    /// <summary>The name that clients of the key ask for, where there is one.</summary>
    private static string Host(string key) => key.StartsWith(ServerName.Wildcard, StringComparison.Ordinal) ? "localhost"
        : key.Contains(':', StringComparison.Ordinal) ? $"[{key}]"
        : key.Contains('.', StringComparison.Ordinal) ? key
        : "localhost";

    private async Task<string?> AskAsync(Socket socket, LocalTarget target, byte[] request, CancellationToken cancellationToken)
    {
        var plain = new NetworkStream(socket, ownsSocket: false);
        await using (plain.ConfigureAwait(false))
        {
            if (!target.UseTls)
            {
                return await AskAsync(plain, request, cancellationToken).ConfigureAwait(false);
            }

            var secure = await settings.Current.Tls.ConnectAsync(plain, target.Host, cancellationToken).ConfigureAwait(false);
            await using (secure.ConfigureAwait(false))
            {
                return await AskAsync(secure, request, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<string?> AskAsync(Stream stream, byte[] request, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(request, cancellationToken).ConfigureAwait(false);
        var answer = new ProbeAnswer();
        var buffer = ledger.Rent(BufferLength);
        try
        {
            for (int count; (count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
            {
                if (answer.Take(buffer.AsSpan(0, count)) is { } status)
                {
                    return status switch
                    {
                        AnswerStatus.None => "its answer is none of HTTP/1.1",
                        >= 200 and < 400 => null,
                        _ => string.Create(CultureInfo.InvariantCulture, $"it answers {status}"),
                    };
                }
            }
        }
        finally
        {
            ledger.Return(buffer);
        }

        return "it closes the connection without a whole answer";
    }

    private static string EndOfSentence(Exception error) =>
        error.Message is [var first, .. var rest] ? $"{char.ToLowerInvariant(first)}{rest.TrimEnd('.')}" : "it cannot be reached";
}
