using System.Net;
using System.Net.Sockets;

namespace MProxy.Module.Tests;

/// <summary>A name server at an address of loopback that knows no name, says nothing, or says that all are at the same addresses of loopback, as its test wants.</summary>
internal sealed class FakeResolver : IDisposable
{
    private const int DnsPort = 53;

    private readonly UdpClient _socket;
    private volatile Mood _mood;

    private FakeResolver(UdpClient socket)
    {
        _socket = socket;
        _ = ServeAsync();
    }

    /// <summary>What it says to whoever asks.</summary>
    internal enum Mood
    {
        Knows,
        KnowsNothing,
        SaysNothing,
    }

    public string Address => $"{((IPEndPoint)_socket.Client.LocalEndPoint!).Address}";

    /// <summary>The last numbers of the addresses in 127.0.0 that every name has.</summary>
    public byte[] Hosts { get; set; } = [1];

    public void Be(Mood mood) => _mood = mood;

    /// <summary>Null where this user may not have the port of DNS.</summary>
    public static FakeResolver? TryStart()
    {
        var random = Random.Shared;
        try
        {
            return new FakeResolver(new UdpClient(new IPEndPoint(new IPAddress(new byte[] { 127, 9, (byte)random.Next(256), (byte)random.Next(1, 255) }), DnsPort)));
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task ServeAsync()
    {
        try
        {
            for (; ; )
            {
                var asked = await _socket.ReceiveAsync();
                if (_mood != Mood.SaysNothing)
                {
                    await _socket.SendAsync(Answer(asked.Buffer, _mood == Mood.Knows, Hosts), asked.RemoteEndPoint);
                }
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Its test is over.
        }
    }

    /// <summary>The question, and behind it the addresses where those of IPv4 were asked for.</summary>
    private static byte[] Answer(byte[] question, bool knows, byte[] hosts)
    {
        var end = Array.IndexOf(question, (byte)0, 12) + 5;
        var isAddress = knows && question[end - 3] == 1;
        byte[] head = [question[0], question[1], 0x81, (byte)(knows ? 0x80 : 0x83), 0, 1, 0, (byte)(isAddress ? hosts.Length : 0), 0, 0, 0, 0];
        var addresses = isAddress ? hosts.SelectMany(host => new byte[] { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, host }) : [];
        return [.. head, .. question[12..end], .. addresses];
    }
}
