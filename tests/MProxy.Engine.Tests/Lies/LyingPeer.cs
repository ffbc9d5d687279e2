using System.Net.Security;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Tests.Carriers;

namespace MProxy.Engine.Tests.Lies;

/// <summary>A real connection of whoever lies, over tcp, tls or ws, as device or as relay: bytes of the link, or anything below that.</summary>
internal sealed class LyingPeer : IDisposable
{
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly bool _isDialled;
    private readonly SemaphoreSlim _sending = new(1);

    private LyingPeer(Socket socket, Stream stream, string scheme, bool isDialled)
    {
        _socket = socket;
        _stream = stream;
        _isDialled = isDialled;
        IsWebSocket = scheme == "ws";
    }

    public bool IsWebSocket { get; }

    /// <summary>Comes like a device.</summary>
    /// <param name="scheme">tcp, tls or ws.</param>
    /// <param name="port">Where devices come in.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <param name="receiveBuffer">A small one is full soon, for a peer that does not read.</param>
    public static async Task<LyingPeer> DialAsync(string scheme, int port, CancellationToken cancellationToken, int? receiveBuffer = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer is { } length)
        {
            socket.ReceiveBufferSize = length;
        }

        await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (scheme == "tls")
        {
            var secure = new SslStream(stream, leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate!.GetCertHashString() == TestCertificate.Relay.GetCertHashString());
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, cancellationToken);
            stream = secure;
        }
        else if (scheme == "ws")
        {
            await LyingWebSocket.UpgradeAsync(stream, cancellationToken);
        }

        return new LyingPeer(socket, stream, scheme, isDialled: true);
    }

    /// <summary>Receives like a relay.</summary>
    public static async Task<LyingPeer> AcceptAsync(string scheme, Socket socket, CancellationToken cancellationToken)
    {
        socket.NoDelay = true;
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (scheme == "tls")
        {
            var secure = new SslStream(stream, leaveInnerStreamOpen: false);
            await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = TestCertificate.Relay }, cancellationToken);
            stream = secure;
        }
        else if (scheme == "ws")
        {
            await LyingWebSocket.AcceptAsync(stream, cancellationToken);
        }

        return new LyingPeer(socket, stream, scheme, isDialled: false);
    }

    /// <summary>Bytes of the link; over ws one message.</summary>
    public Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => SendRawAsync(IsWebSocket ? Frame(LyingWebSocket.Final | LyingWebSocket.Binary, bytes.Span) : bytes, cancellationToken);

    /// <summary>Bytes as they are, also below a WebSocket.</summary>
    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await _stream.WriteAsync(bytes, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>A frame of a WebSocket as this side is to write it, but for what is said otherwise.</summary>
    public byte[] Frame(byte firstByte, ReadOnlySpan<byte> payload, long? declared = null, bool isWronglyMasked = false) =>
        LyingWebSocket.Frame(firstByte, payload, _isDialled != isWronglyMasked, declared);

    /// <summary>The next bytes of the link; none at its end.</summary>
    public async Task<ReadOnlyMemory<byte>> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) => IsWebSocket
        ? await LyingWebSocket.ReadAsync(_stream, cancellationToken) ?? default(ReadOnlyMemory<byte>)
        : buffer[..await _stream.ReadAsync(buffer, cancellationToken)];

    /// <summary>Ends this side's stream in order.</summary>
    public void End() => _socket.Shutdown(SocketShutdown.Send);

    public void Reset()
    {
        TcpSocket.ResetOnClose(_socket);
        _socket.Dispose();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _sending.Dispose();
    }
}
