using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MProxy.Engine.Tests.Front;

/// <summary>A client of a relay, byte by byte where that matters. Whatever it waits for comes within 20 seconds.</summary>
internal sealed class FrontClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private FrontClient(Socket socket) => Socket = socket;

    public Socket Socket { get; }

    public string EndPoint => $"{Socket.LocalEndPoint}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Connects, where it matters from one of the many addresses of loopback.</summary>
    public static async Task<FrontClient> ConnectAsync(int port, string from = "127.0.0.1")
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Token);
            return new FrontClient(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>All that a new client gets which says this, up to its connection's end.</summary>
    public static async Task<string> AskAsync(int port, string words, string from = "127.0.0.1")
    {
        using var client = await ConnectAsync(port, from);
        await client.SendAsync(words);
        return await client.ReadAllAsync();
    }

    public Task SendAsync(string words) => SendAsync(Encoding.Latin1.GetBytes(words));

    public Task SendAsync(byte[] bytes) => LocalService.SendAllAsync(Socket, bytes, bytes.Length);

    /// <summary>Each byte in a segment of its own.</summary>
    public Task DripAsync(byte[] bytes) => LocalService.SendAllAsync(Socket, bytes, 1);

    public async Task<string> ReadAllAsync() => Encoding.Latin1.GetString(await LocalService.ReadAllAsync(Socket).WaitAsync(Patience, Token));

    public async Task<byte[]> ReadAsync(int length)
    {
        var bytes = new byte[length];
        await LocalService.ReadExactlyAsync(Socket, bytes).WaitAsync(Patience, Token);
        return bytes;
    }

    /// <summary>Exactly this many bytes, as text.</summary>
    public async Task<string> ReadTextAsync(int length) => Encoding.Latin1.GetString(await ReadAsync(length));

    /// <summary>One whole answer of a <see cref="NamedWeb"/>, of which the body is given.</summary>
    public async Task<string> ReadAnswerAsync()
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append(await ReadTextAsync(1));
        }

        var text = head.ToString();
        Assert.StartsWith("HTTP/1.1 200 ", text, StringComparison.Ordinal);
        var length = int.Parse(text.Split("Content-Length: ")[1].Split('\r')[0], System.Globalization.CultureInfo.InvariantCulture);
        return await ReadTextAsync(length);
    }

    /// <summary>The connection was reset, without a word before.</summary>
    public async Task IsResetAsync()
    {
        var error = await Assert.ThrowsAsync<SocketException>(ReadAllAsync);
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    public void Dispose() => Socket.Dispose();
}
