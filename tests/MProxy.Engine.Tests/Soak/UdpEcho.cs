using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Tests.Soak;

/// <summary>Answers each datagram with itself.</summary>
internal sealed class UdpEcho : IDisposable
{
    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));

    public UdpEcho() => _ = RunAsync();

    public string Target => $"{_socket.Client.LocalEndPoint}";

    public void Dispose() => _socket.Dispose();

    private async Task RunAsync()
    {
        try
        {
            for (; ; )
            {
                var asked = await _socket.ReceiveAsync();
                await _socket.SendAsync(asked.Buffer, asked.RemoteEndPoint);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Its test is over.
        }
    }
}
