using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Lies;

/// <summary>
/// A peer that lies over one connection, as device or as relay. Its moves take from here whom they may speak of, and chance. It listens meanwhile, unless it
/// is deaf, and holds the other side to what it may always expect of it: that it reads, and that what it says are frames.
/// </summary>
internal sealed class Liar : IAsyncDisposable
{
    private const int MostTold = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PatienceOfTheDeaf = TimeSpan.FromMilliseconds(100);

    private readonly LyingPeer _peer;
    private readonly CancellationTokenSource _ending;
    private readonly Channel<long> _asked = Channel.CreateUnbounded<long>();
    private readonly ConcurrentQueue<(string Identity, string Place)> _clients = new();
    private readonly Task _listening;
    private volatile bool _isDeaf;
    private (string Answer, TaskCompletionSource Heard)? _awaited;

    /// <param name="peer">Its connection; owned from here on.</param>
    /// <param name="isRelay">It plays the relay, else a device.</param>
    /// <param name="chance">What chance says.</param>
    /// <param name="others">The identities of honest clients, at the time of asking.</param>
    /// <param name="cancellationToken">Ends whatever it does.</param>
    public Liar(LyingPeer peer, bool isRelay, Random chance, Func<IEnumerable<string>> others, CancellationToken cancellationToken)
    {
        _peer = peer;
        IsRelay = isRelay;
        Chance = chance;
        Others = others;
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _listening = ListenAsync();
    }

    public bool IsRelay { get; }

    public bool IsWebSocket => _peer.IsWebSocket;

    public Random Chance { get; }

    public Func<IEnumerable<string>> Others { get; }

    /// <summary>The token that it was given; null where it has none.</summary>
    public string? Token { get; init; }

    /// <summary>Brings a client to it, where it plays a device.</summary>
    public Func<Task> BringClientAsync { get; init; } = () => Task.CompletedTask;

    /// <summary>The codes that it was told in errors of clients, in answers and in reports: the first of them.</summary>
    public ConcurrentQueue<string?> Told { get; } = new();

    /// <summary>Its connection takes nothing more.</summary>
    public bool IsOver { get; private set; }

    /// <summary>A client that there is, that there was, that is another's, or that never was; with the port and name that belong to it, or do not.</summary>
    public (string Identity, string Place) AnyClient()
    {
        var known = _clients.ToArray();
        var others = Chance.Next(4) == 0 ? Others().ToArray() : [];
        return others.Length > 0 ? (others[Chance.Next(others.Length)], $"{Chance.Next(1, 100)},")
            : known.Length > 0 && Chance.Next(5) > 0 ? known[Chance.Next(known.Length)]
            : ($"IPv4,192.0.2.{Chance.Next(4)},{Chance.Next(1, 5)}", $"{Chance.Next(80, 84)},");
    }

    /// <summary>Remembers one that it has made up, to go on with.</summary>
    public void Note(string identity, string place) => _clients.Enqueue((identity, place));

    public byte[] AnyBytes(int most)
    {
        var bytes = new byte[Chance.Next(most)];
        Chance.NextBytes(bytes);
        return bytes;
    }

    public Task SayAsync(string control) => SendAsync(RawFrame.Control(control));

    /// <summary>Bytes of the link.</summary>
    public Task SendAsync(ReadOnlyMemory<byte> bytes) => TrySendAsync(token => _peer.SendAsync(bytes, token));

    /// <summary>Bytes below a WebSocket.</summary>
    public Task SendRawAsync(ReadOnlyMemory<byte> bytes) => TrySendAsync(token => _peer.SendRawAsync(bytes, token));

    /// <inheritdoc cref="LyingPeer.Frame"/>
    public byte[] Frame(byte firstByte, ReadOnlySpan<byte> payload, long? declared = null, bool isWronglyMasked = false) => _peer.Frame(firstByte, payload, declared, isWronglyMasked);

    /// <summary>Answers what it was asked so far, and whether that is true is another matter.</summary>
    public async Task AnswerAsync(string answer)
    {
        while (!IsOver && _asked.Reader.TryRead(out var id))
        {
            await AnswerAsync(id, answer);
        }
    }

    /// <summary>Waits until it is asked something, and accepts that.</summary>
    public async Task AcceptNextAsync()
    {
        if (await _asked.Reader.WaitToReadAsync(_ending.Token) && _asked.Reader.TryRead(out var id))
        {
            await AnswerAsync(id, "null");
        }
    }

    /// <summary>Reads nothing from now on.</summary>
    public void StopListening() => _isDeaf = true;

    public void End()
    {
        if (IsOver)
        {
            return;
        }

        IsOver = true;
        try
        {
            _peer.End();
        }
        catch (SocketException)
        {
            // The other side was faster.
        }
    }

    public void Reset()
    {
        IsOver = true;
        _peer.Reset();
    }

    /// <summary>Asks something, and waits for exactly this answer.</summary>
    public async Task HearAsync(string question, string answer)
    {
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _awaited = (answer, heard);
        await SayAsync(question);
        await heard.Task.WaitAsync(Patience, _ending.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _peer.Dispose();
        await _listening;
        _ending.Dispose();
    }

    private static bool IsGone(Exception error) => error is IOException or SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException;

    private Task AnswerAsync(long id, string answer) => SayAsync(string.Create(CultureInfo.InvariantCulture, $"[-{id},{answer}]"));

    private async Task TrySendAsync(Func<CancellationToken, Task> send)
    {
        if (IsOver)
        {
            return;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        patience.CancelAfter(_isDeaf ? PatienceOfTheDeaf : Patience);
        try
        {
            await send(patience.Token);
        }
        catch (Exception error) when (IsGone(error))
        {
            IsOver = true;

            // Who does not read may not be read: an answer to a WebSocket ping waits for room.
            Assert.True(_isDeaf || _ending.IsCancellationRequested || !patience.IsCancellationRequested, "The other side has stopped to read.");
        }
    }

    private async Task ListenAsync()
    {
        var reader = new FrameReader();
        var buffer = new byte[64 << 10];
        try
        {
            while (!_isDeaf)
            {
                var bytes = await _peer.ReceiveAsync(buffer, _ending.Token);
                if (bytes.IsEmpty)
                {
                    break;
                }

                Hear(reader, bytes.Span);
            }
        }
        catch (Exception error) when (IsGone(error))
        {
            // It is over, in one way or another.
        }

        finally
        {
            _asked.Writer.TryComplete();
        }
    }

    private void Hear(FrameReader reader, ReadOnlySpan<byte> bytes)
    {
        while (reader.TryRead(ref bytes, out var frame))
        {
            if (frame.Kind == FrameKind.Connection)
            {
                Note(frame.SocketId!, $"{frame.ServicePort},{frame.Name}");
            }
            else if (frame.Kind == FrameKind.Error)
            {
                NoteCode(frame.Code);
            }
            else if (frame.Control is [long id, ..] message)
            {
                HearControl(id, message, frame.Data);
            }
        }
    }

    private void HearControl(long id, IReadOnlyList<object?> message, byte[] text)
    {
        if (_awaited is var (answer, heard) && Encoding.UTF8.GetString(text) == answer)
        {
            heard.TrySetResult();
        }
        else if (id > 0)
        {
            _asked.Writer.TryWrite(id);
        }
        else if (message.Count > 1 && ControlReply.Parse(-id, message[1]) is { Success: false } refusal)
        {
            NoteCode(refusal.Code);
        }
    }

    private void NoteCode(string? code)
    {
        if (Told.Count < MostTold)
        {
            Told.Enqueue(code);
        }
    }
}
