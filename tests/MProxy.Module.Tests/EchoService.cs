using System.Net;
using System.Net.Sockets;

namespace MProxy.Module.Tests;

/// <summary>A service that says back what it hears, and clients that ask it through a relay.</summary>
internal sealed class EchoService : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public EchoService()
    {
        _listener.Start(1024);
        _ = AcceptAsync();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    public static async Task<Socket> ConnectAsync(int port)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, Token);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>The same; null where it is reset while it connects.</summary>
    public static async Task<Socket?> TryConnectAsync(int port)
    {
        try
        {
            return await ConnectAsync(port);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            return null;
        }
    }

    /// <summary>A client says a word, and hears it; false where it is cut off.</summary>
    public static async Task<bool> TryAskAsync(Socket client, byte word)
    {
        var heard = new byte[2];
        try
        {
            await client.SendAsync(new[] { word }, Token);
            return await client.ReceiveAsync(heard, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token) == 1 && heard[0] == word;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>A client of its own that comes, asks, and leaves in order.</summary>
    public static async Task<bool> TryAskAsync(int port)
    {
        using var client = await TryConnectAsync(port);
        if (client is null || !await TryAskAsync(client, 7))
        {
            return false;
        }

        client.Shutdown(SocketShutdown.Send);
        return await client.ReceiveAsync(new byte[1], Token) == 0;
    }

    private async Task AcceptAsync()
    {
        try
        {
            for (; ; )
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync());
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Its test is over.
        }
    }

    private static async Task ServeAsync(Socket client)
    {
        using (client)
        {
            try
            {
                var bytes = new byte[1000];
                for (int count; (count = await client.ReceiveAsync(bytes)) > 0;)
                {
                    await client.SendAsync(bytes.AsMemory(0, count));
                }
            }
            catch (SocketException)
            {
                // Cut off.
            }
        }
    }
}
