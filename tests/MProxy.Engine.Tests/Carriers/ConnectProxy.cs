using System.Net;
using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Carriers;

/// <summary>A small HTTP proxy that knows CONNECT, and wants a user and password where it was given one.</summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    // A port that nobody else comes by when it is closed: one test dials it then.
    private readonly Socket _listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, FreePort.Take()));
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _tasks = new(new ResourceLedger());
    private readonly string? _authorization;
    private readonly bool _staysAfter407;
    private readonly string? _refusal;

    public ConnectProxy(string? userAndPassword = null, bool staysAfter407 = false, string? refusal = null)
    {
        _authorization = userAndPassword is null ? null : $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.ASCII.GetBytes(userAndPassword))}";
        _staysAfter407 = staysAfter407;
        _refusal = refusal;
        _tasks.Run(() => TcpSocket.AcceptAllAsync(_listener, client => _tasks.Run(() => ServeAsync(client)), TimeProvider.System, _stopping.Token));
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public Uri Uri => new($"http://{EndPoint}");

    /// <summary>The first lines of all requests.</summary>
    public List<string> Requests { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _tasks.WhenEmptyAsync();
        _listener.Dispose();
        _stopping.Dispose();
    }

    private async Task ServeAsync(Socket client)
    {
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            while (await ReadHeadAsync(stream) is { } head)
            {
                lock (Requests)
                {
                    Requests.Add(head[..head.IndexOf('\r', StringComparison.Ordinal)]);
                }

                var isAllowed = _authorization is null || head.Contains($"\r\n{_authorization}\r\n", StringComparison.Ordinal);
                if (!isAllowed || _refusal is not null)
                {
                    var stays = !isAllowed && _staysAfter407;
                    await SendAsync(stream, $"HTTP/1.1 {(isAllowed ? _refusal : "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"")}\r\nContent-Length: 0\r\n{(stays ? "" : "Connection: close\r\n")}\r\n");
                    if (stays)
                    {
                        continue;
                    }

                    return;
                }

                var target = IPEndPoint.Parse(head.Split(' ')[1]);
                using var relay = await TcpSocket.ConnectAsync(target.Address.ToString(), target.Port, _stopping.Token);
                await using var onward = new NetworkStream(relay);
                await SendAsync(stream, "HTTP/1.1 200 Connection established\r\n\r\n");
                await Task.WhenAny(stream.CopyToAsync(onward, _stopping.Token), onward.CopyToAsync(stream, _stopping.Token));
                return;
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
        }
    }

    private async Task<string?> ReadHeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stopping.Token) == 0)
            {
                return null;
            }

            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    private async Task SendAsync(Stream stream, string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text), _stopping.Token);
}
