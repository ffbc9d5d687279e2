using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Health;

/// <summary>A small HTTP/1.1 server that is asked for its health, and whose downloads take as long as a test wants. It answers everything else with its name.</summary>
internal sealed class ProbedWeb(string name)
{
    private const int HalfLength = 200_000;

    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The status that a probe is answered with.</summary>
    public int Health { get; set; } = 200;

    /// <summary>The heads of the probes' requests, and the PROXY headers in front of them.</summary>
    public ConcurrentQueue<string> Probes { get; } = [];

    public static string Download { get; } = new('d', 2 * HalfLength);

    /// <summary>Lets the second half of every download go.</summary>
    public void GoOn() => _goOn.TrySetResult();

    public Task ServeAsync(Socket client) => ServeAsync(new NetworkStream(client), "");

    public async Task ServeTlsAsync(Socket client)
    {
        await using var tls = new SslStream(new NetworkStream(client));
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = TestCertificate.Relay }, FrontWorld.Token);
        await ServeAsync(tls, "");
    }

    public async Task ServeProxiedAsync(Socket client)
    {
        var header = await NamedWeb.ReadHeaderAsync(client);
        await ServeAsync(new NetworkStream(client), $"{header.Version} {header.Source?.ToString() ?? "local"}\n");
    }

    private async Task ServeAsync(Stream stream, string proxied)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1);
        while (await reader.ReadLineAsync(FrontWorld.Token) is { } first)
        {
            var head = new StringBuilder(proxied).Append(first);
            for (string? line; (line = await reader.ReadLineAsync(FrontWorld.Token)) is { Length: > 0 };)
            {
                head.Append('\n').Append(line);
            }

            switch (first.Split(' ')[1])
            {
                case "/health":
                    Probes.Enqueue(head.ToString());
                    await SendAsync(stream, $"HTTP/1.1 {Health} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    return;
                case "/download":
                    await SendAsync(stream, $"HTTP/1.1 200 OK\r\nContent-Length: {Download.Length}\r\n\r\n{Download[..HalfLength]}");
                    await _goOn.Task.WaitAsync(FrontWorld.Token);
                    await SendAsync(stream, Download[HalfLength..]);
                    break;
                default:
                    await SendAsync(stream, $"HTTP/1.1 200 OK\r\nContent-Length: {name.Length}\r\n\r\n{name}");
                    break;
            }
        }
    }

    private static async Task SendAsync(Stream stream, string text) => await stream.WriteAsync(Encoding.Latin1.GetBytes(text), FrontWorld.Token);
}
