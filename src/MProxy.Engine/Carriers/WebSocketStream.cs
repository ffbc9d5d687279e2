using System.Net.WebSockets;
using System.Runtime.CompilerServices;

namespace MProxy.Engine.Carriers;

/// <summary>
/// A WebSocket as a byte stream: what comes in binary messages, in whatever pieces, and one binary message for each write. The peer's close is
/// the end of the stream. One reader and one writer at a time; asynchronous only. Cancelling a read or write aborts the WebSocket.
/// </summary>
internal sealed class WebSocketStream(WebSocket webSocket) : DuplexStream
{
    private bool _ended;
    private WebSocketCloseStatus _closeStatus = WebSocketCloseStatus.NormalClosure;

    /// <summary>At least one byte, or 0 at the end.</summary>
    /// <exception cref="IOException">The connection ended without a close, or the peer sent a text message.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!_ended)
        {
            ValueWebSocketReceiveResult received;
            try
            {
                received = await webSocket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (IsFailure(error, cancellationToken))
            {
                throw Failure(error);
            }

            switch (received.MessageType)
            {
                case WebSocketMessageType.Close:
                    _ended = true;
                    break;
                case WebSocketMessageType.Text:
                    _closeStatus = WebSocketCloseStatus.InvalidMessageType;
                    throw new IOException("The peer sent a text message: a link travels in binary messages only.");
                default:
                    // An empty message is no end of the stream.
                    if (received.Count > 0 || buffer.IsEmpty)
                    {
                        return received.Count;
                    }

                    break;
            }
        }

        return 0;
    }

    /// <summary>Sends one binary message; none for no bytes.</summary>
    /// <exception cref="IOException">The connection is gone, or was closed by the peer.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return;
        }

        try
        {
            await webSocket.SendAsync(buffer, WebSocketMessageType.Binary, WebSocketMessageFlags.EndOfMessage, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (IsFailure(error, cancellationToken))
        {
            throw Failure(error);
        }
    }

    /// <summary>Sends a Close frame where the WebSocket is still able to, and does not wait for the peer's. May fail or take long: bound it.</summary>
    public async Task SayGoodbyeAsync()
    {
        if (webSocket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            await webSocket.CloseOutputAsync(_closeStatus, null, CancellationToken.None).ConfigureAwait(false);
        }
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("A WebSocket is read asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("A WebSocket is written asynchronously.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            webSocket.Dispose();
        }

        base.Dispose(disposing);
    }

    // An aborted WebSocket reports a cancellation that nobody asked for.
    private static bool IsFailure(Exception error, CancellationToken cancellationToken) =>
        error is WebSocketException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private static IOException Failure(Exception error) =>
        error is WebSocketException { WebSocketErrorCode: WebSocketError.ConnectionClosedPrematurely }
            ? new IOException("The WebSocket connection ended without a close.", error)
            : new IOException($"The WebSocket connection failed: {error.Message}", error);
}
