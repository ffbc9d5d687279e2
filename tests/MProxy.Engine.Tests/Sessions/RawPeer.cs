using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Protocol;
using Nerdbank.Streams;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>The other end of a link, frame by frame: a peer that does what the test says, and nothing else.</summary>
internal sealed class RawPeer : IDisposable
{
    private readonly FrameReader _reader = new();
    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[64 << 10];
    private readonly Queue<Frame> _frames = new();

    public RawPeer()
    {
        (_stream, Other) = FullDuplexStream.CreatePair();
    }

    public Stream Other { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async Task SendAsync(FrameKind kind, FrameMeta meta, string body = "") =>
        await _stream.WriteAsync(FrameEncoder.Encode(kind, meta, Encoding.UTF8.GetBytes(body)), Token);

    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes) => await _stream.WriteAsync(bytes, Token);

    public Task SayAsync(string control) => SendAsync(FrameKind.Control, default, control);

    /// <summary>The next frame, as kind and body; null at the end of the stream.</summary>
    public async Task<string?> ReadAsync()
    {
        while (_frames.Count == 0)
        {
            var count = await _stream.ReadAsync(_buffer, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
            if (count == 0)
            {
                return null;
            }

            Take(count);
        }

        var frame = _frames.Dequeue();
        return $"{frame.Kind} {Encoding.UTF8.GetString(frame.Data)}".TrimEnd();
    }

    /// <summary>A relay that greets, and answers the ping behind that.</summary>
    public async Task GreetAsync()
    {
        await SayAsync("[1,\"hello\",[1],[\"add_token\"]]");
        Assert.Equal("Control [-1,null]", await ReadAsync());
        await AnswerPingAsync();
    }

    public async Task AnswerPingAsync()
    {
        await AcceptAsync(",\"ping\"]");
    }

    /// <summary>Reads a request that ends like this, and accepts it.</summary>
    public async Task AcceptAsync(string requestEnd)
    {
        var request = await ReadAsync() ?? "";
        Assert.EndsWith(requestEnd, request, StringComparison.Ordinal);
        await SayAsync($"[-{request["Control [".Length..request.IndexOf(',', StringComparison.Ordinal)]},null]");
    }

    public Carrier ToCarrier(TimeProvider time) => Carrier.FromStream(Other, time);

    public void Dispose() => _stream.Dispose();

    private void Take(int count)
    {
        ReadOnlySpan<byte> bytes = _buffer.AsSpan(0, count);
        while (_reader.TryRead(ref bytes, out var frame))
        {
            _frames.Enqueue(frame);
        }
    }
}
