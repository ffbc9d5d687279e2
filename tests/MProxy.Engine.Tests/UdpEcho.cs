using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Tests;

/// <summary>A service of UDP that says what it hears.</summary>
internal sealed class UdpEcho : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly bool _isDns;
    private readonly Task _running;

    /// <param name="isDns">What it hears are questions, and what it says is to be answers to them.</param>
    public UdpEcho(bool isDns = false)
    {
        _isDns = isDns;
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _running = RunAsync();
    }

    public string Target => $"udp://{_socket.LocalEndPoint}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<Socket> ConnectAsync(int port)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Token);
        return client;
    }

    /// <summary>Says a word, and again after a while, since datagrams may get lost. True where it comes back, and false where it does not in this time; 20 s unless given.</summary>
    public static async Task<bool> AskAsync(Socket client, TimeSpan? patience = null)
    {
        var word = Guid.NewGuid().ToByteArray();
        var since = TimeProvider.System.GetTimestamp();
        var heard = new byte[100];
        while (TimeProvider.System.GetElapsedTime(since) < (patience ?? TimeSpan.FromSeconds(20)))
        {
            try
            {
                await client.SendAsync(word, Token);
                using var wait = CancellationTokenSource.CreateLinkedTokenSource(Token);
                wait.CancelAfter(TimeSpan.FromMilliseconds(300));
                for (var count = 0; !heard.AsSpan(0, count).SequenceEqual(word);)
                {
                    count = await client.ReceiveAsync(heard, SocketFlags.None, wait.Token);
                }

                return true;
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException)
            {
                Token.ThrowIfCancellationRequested();
            }
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _running;
    }

    private async Task RunAsync()
    {
        var buffer = new byte[64 << 10];
        try
        {
            for (; ; )
            {
                var received = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0));
                buffer[2] |= _isDns ? (byte)0x80 : (byte)0;
                await _socket.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), SocketFlags.None, received.RemoteEndPoint);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
        }
    }
}
