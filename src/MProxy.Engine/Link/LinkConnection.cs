using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Capture;
using MProxy.Engine.Carriers;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>
/// Runs a link's state machine on a carrier: one reader, one writer, one timer, and a pump for each client. Everything the machine is
/// told or asked happens under one lock, in which nobody waits; whoever needs that lock has a method here.
/// </summary>
internal sealed class LinkConnection : ILinkEvents, IAsyncDisposable
{
    private const string StoppedMessage = "the connection was stopped by the operator";

    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly Carrier _carrier;
    private readonly LinkMachine _machine;
    private readonly ILinkHost _host;
    private readonly TimeProvider _time;
    private readonly SendPace _pace;
    private readonly LinkWriter _writer;
    private readonly LinkStream _stream;
    private readonly LinkTimer _timer;
    private readonly PumpSet _pumps;

    // Clients that are closed on the link, and whose last bytes are being delivered.
    private readonly HashSet<LinkClient> _ending = [];

    // What the writer has taken, and the reader brought, and is to be told of when the lock is free.
    private readonly List<LinkClient> _sent = [];
    private readonly List<ClientPump> _woken = [];
    private readonly CaptureTap? _tap;
    private readonly Dictionary<long, TaskCompletionSource<ControlReply>> _requests = [];
    private readonly CancellationTokenSource _broken = new();
    private LinkException? _breakReason;
    private LinkException? _lastWords;
    private long _lastWordsBy;
    private TaskCompletionSource? _idle;
    private TaskCompletionSource? _released;
    private bool _closed;

    /// <param name="role">Which side this is.</param>
    /// <param name="carrier">What the link runs over; owned from here on.</param>
    /// <param name="options">The link's bounds and time-outs.</param>
    /// <param name="host">Who decides about clients and commands.</param>
    /// <param name="ledger">Where sockets, buffers and loops are noted.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Where control ids start.</param>
    /// <param name="tap">Sees the bytes that pass; null where nobody asked for that.</param>
    public LinkConnection(LinkRole role, Carrier carrier, LinkOptions options, ILinkHost host, ResourceLedger ledger, TimeProvider time, Random? random = null, CaptureTap? tap = null)
    {
        Role = role;
        _tap = tap;
        _carrier = carrier;
        _host = host;
        _time = time;
        Ledger = ledger;
        _machine = new LinkMachine(role, options, this, time, random);
        _pumps = new PumpSet(ledger, PumpEnded);
        _pace = new SendPace(carrier.KeepUnsent);
        carrier.KeepUnsent(_pace.UnsentLength);
        _writer = new LinkWriter(carrier.Stream, carrier.CanBlock, ledger, _pace, Gather, TellSent, time);
        _stream = new LinkStream(carrier.Stream, carrier.BringsRecords, ledger, Receive, _writer);
        _timer = new LinkTimer(time, Tick);
    }

    public LinkRole Role { get; }

    public ResourceLedger Ledger { get; }

    public Carrier Carrier => _carrier;

    /// <summary>What datagrams of all clients of this link may hold while they wait.</summary>
    public DatagramBudget Datagrams { get; } = new(DatagramBudget.OfLink);

    /// <summary>The clock.</summary>
    public TimeProvider Time => _time;

    public long BytesIn => _stream.BytesIn;

    public long BytesOut => _writer.BytesOut;

    /// <summary>What has moved, bytes and pauses. Waits for no lock.</summary>
    public Traffic Traffic => new(BytesIn, BytesOut, _machine.Traffic.BytesIn, _machine.Traffic.BytesOut, _machine.Traffic.PausesIn, _machine.Traffic.PausesOut);

    public int ClientCount => Ask(machine => _closed ? 0 : machine.Clients.Count);

    /// <summary>What waits for the slow sockets of all clients together, in bytes.</summary>
    public long Waiting => Ask(machine => machine.Clients.Waiting);

    /// <summary>How long the body of a client's frame may be now, in bytes. Waits for no lock.</summary>
    public int BodyLength => _pace.BodyLength;

    /// <summary>Both sides have greeted.</summary>
    public bool IsUp => Ask(machine => machine.Control.IsUp);

    /// <summary>How long the greeting, or the last probe since, took to be answered; null before.</summary>
    public TimeSpan? RoundTrip => Ask(machine => machine.RoundTrip);

    /// <summary>What the relay's hello said: versions and commands.</summary>
    public (IReadOnlyList<long> Versions, IReadOnlyList<string> Commands) Hello => Ask(machine => (machine.Control.PeerVersions, machine.Control.PeerCommands));

    /// <summary>Reads and writes until the peer closes, the carrier fails or <paramref name="cancellationToken"/> is cancelled. Then every client of it is closed.</summary>
    /// <returns>Why the link ended; null where it was cancelled, or the peer closed it between two frames.</returns>
    public async Task<Exception?> RunAsync(CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _broken.Token);
        lock (_gate)
        {
            // Whoever is turned away is not greeted first.
            if (_lastWords is null)
            {
                _machine.Start();
            }

            _timer.Arm(_machine.NextDeadline);
        }

        var end = await _stream.RunAsync(() => _carrier.DisposeAsync(), stopping.Token).ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        var reason = cancellationToken.IsCancellationRequested ? null : _breakReason ?? _lastWords ?? end ?? HalfFrame();
        await CloseAsync(cancellationToken.IsCancellationRequested).ConfigureAwait(false);
        return reason;
    }

    /// <summary>Relay side: announces a client and starts what carries its bytes.</summary>
    /// <param name="meta">Who it is, and what it is for.</param>
    /// <param name="most">How many clients the link may have with it.</param>
    /// <param name="isAllowed">Whether the link may have it at all. What takes that away ends those that are on the link: with the lock held, none slips through.</param>
    /// <param name="join">Makes its end at this side.</param>
    /// <exception cref="FrameFieldException">The header cannot carry this client.</exception>
    public OpenResult TryOpen(in FrameMeta meta, int most, Predicate<FrameMeta> isAllowed, ClientJoin join)
    {
        OpenResult result;
        ClientSink? sink = null;
        Func<Task>? run = null;
        lock (_gate)
        {
            result = _closed || !_machine.Control.IsUp || !isAllowed(meta) ? OpenResult.Unavailable
                : _machine.Clients.Count >= most || (ClientService.IsDatagram(meta.Service) && _machine.Clients.DatagramCount >= ClientService.DatagramShare(most)) ? OpenResult.Full
                : _machine.Clients.Open(meta) is { } client ? Join(client)
                : IsHeldBack(meta) ? OpenResult.HeldBack
                : OpenResult.Duplicate;
        }

        if (sink is ClientPump pump && run is not null)
        {
            // Its first bytes go out together with its announcement.
            _pumps.Run(pump, run);
        }

        // Also the question that is asked for one that is held back.
        Push();
        return result;

        OpenResult Join(LinkClient client)
        {
            (sink, run) = join(this, client);
            client.Sink = sink;
            if (run is not null)
            {
                _pumps.Add((ClientPump)sink);
            }

            return OpenResult.Opened;
        }
    }

    /// <summary>Done when the identity of a client that was <see cref="OpenResult.HeldBack"/> may be free, or the link has ended.</summary>
    public Task WhenReleased(in FrameMeta meta)
    {
        Task released;
        lock (_gate)
        {
            // It may have become free since.
            released = _closed || !IsHeldBack(meta) ? Task.CompletedTask
                : (_released ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        Push();
        return released;
    }

    private bool IsHeldBack(in FrameMeta meta) => _machine.Clients.IsHeldBack(ClientIdentity.ToSocketId(meta));

    /// <summary>Device side: runs the pump of an opened client, once its local end is connected. False where the client is over.</summary>
    public bool TryRun(ClientPump pump, Func<Task> run)
    {
        lock (_gate)
        {
            if (_closed || pump.Client.IsClosed)
            {
                return false;
            }

            _pumps.Add(pump);
        }

        _pumps.Run(pump, run);
        return true;
    }

    /// <summary>Gives a client another end at this side, and runs what carries its bytes as soon as the lock is free. Called with it held.</summary>
    public void Join(LinkClient client, ClientJoin join)
    {
        var (sink, run) = join(this, client);
        client.Sink = sink;
        if (sink is ClientPump pump && run is not null)
        {
            _pumps.Add(pump);
            ThreadPool.UnsafeQueueUserWorkItem(_ => _pumps.Run(pump, run), null);
        }
    }

    /// <summary>Gives a client a pump that runs later: until then nothing of it is lost, however it ends. <see cref="Run"/> follows in any case. Called with the lock held.</summary>
    public void Hold(LinkClient client, ClientPump pump)
    {
        client.Sink = pump;
        _pumps.Add(pump);
    }

    /// <summary>Runs a pump that was held. Not to be called with a lock held.</summary>
    public void Run(ClientPump pump, Func<Task> run) => _pumps.Run(pump, run);

    /// <summary>Device side, between relays: says that a client is taken.</summary>
    public void Accept(LinkClient client) => Tell(machine => machine.Clients.Accept(client));

    /// <summary>Sends a frame of a client in its turn. Done when it is on its way; false when the client is over.</summary>
    public ValueTask<bool> SendAsync(LinkClient client, ReadOnlyMemory<byte> frame, PendingSend pending)
    {
        ValueTask<bool> sending;
        lock (_gate)
        {
            if (_closed || client.IsClosed)
            {
                return new ValueTask<bool>(false);
            }

            sending = pending.Start();
            _machine.Offer(client, frame);
        }

        Push();
        return sending;
    }

    /// <summary>Offers a frame of a client, whose end at this side is told when it is on its way. False where the client is over.</summary>
    public bool TryOffer(LinkClient client, ReadOnlyMemory<byte> frame)
    {
        lock (_gate)
        {
            if (_closed || client.IsClosed || client.EndSent)
            {
                return false;
            }

            _machine.Offer(client, frame);
        }

        Push();
        return true;
    }

    /// <summary>The same as <see cref="SendAsync"/>, for whoever may give up: a paused client may wait for ever. A frame that is still waiting is taken back then.</summary>
    /// <exception cref="OperationCanceledException">It was given up, and nothing of it was sent.</exception>
    public async ValueTask<bool> SendOrWithdrawAsync(LinkClient client, ReadOnlyMemory<byte> frame, PendingSend pending, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var sending = SendAsync(client, frame, pending);
        if (sending.IsCompleted)
        {
            return await sending.ConfigureAwait(false);
        }

        // Behind the offer, so that one that is cancelled already finds something to take back.
        var withdrawing = cancellationToken.UnsafeRegister(_ => Withdraw(client, pending), null);
        await using (withdrawing.ConfigureAwait(false))
        {
            if (await sending.ConfigureAwait(false))
            {
                return true;
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        return false;
    }

    public void End(LinkClient client) => Tell(machine => machine.Clients.End(client));

    /// <summary>Ends a client both ways at once, here and at the peer.</summary>
    public void Fail(LinkClient client, string code, string message) => Tell(_ => FailNow(client, code, message));

    /// <summary>Ends the clients that a condition holds for.</summary>
    public void FailWhere(Func<LinkClient, bool> condition, string code, string message) => Tell(machine =>
    {
        foreach (var client in machine.Clients.All.Where(condition).ToList())
        {
            FailNow(client, code, message);
        }

        // Those that have ended on the link, and whose last bytes are being delivered.
        foreach (var client in _ending.Where(condition).ToList())
        {
            FailNow(client, code, message);
        }
    });

    /// <summary>Ends the clients that nothing has moved for longer than they may be silent. Called from time to time, it is as exact as that.</summary>
    /// <param name="timeoutOf">How long a client may be silent; zero for ever.</param>
    public void EndIdle(Func<LinkClient, TimeSpan> timeoutOf) => Tell(machine =>
    {
        // Clients may be many, and the lock is held: a look at one that is not over is all it costs.
        List<LinkClient>? idle = null;
        var now = _time.GetTimestamp();
        foreach (var client in machine.Clients.All)
        {
            NoteIfIdle(client);
        }

        foreach (var client in _ending)
        {
            NoteIfIdle(client);
        }

        idle?.ForEach(client => EndIdle(client, now));

        void NoteIfIdle(LinkClient client)
        {
            if (IsIdle(client, timeoutOf, now))
            {
                (idle ??= []).Add(client);
            }
        }
    });

    public void Suspend(LinkClient client) => Tell(machine => machine.Suspend(client));

    public void Resume(LinkClient client) => Tell(machine => machine.Resume(client));

    /// <summary>Ends a client for the operator, also while its last bytes are delivered. One that is over is left alone.</summary>
    public void Stop(LinkClient client)
    {
        lock (_gate)
        {
            if (StateOf(client) != ConnectionState.Closed)
            {
                FailNow(client, ErrorCode.Stopped, StoppedMessage);
                CheckIdle();
            }
        }

        Push();
    }

    public ConnectionState StateOf(LinkClient client) => Ask(_ => client switch
    {
        { IsClosed: true } => !client.HasFailed && client.Sink is ClientPump pump && _pumps.Contains(pump) ? ConnectionState.Ending : ConnectionState.Closed,
        { IsSuspended: true } => ConnectionState.Suspended,
        { EndSent: true } or { EndReceived: true } => ConnectionState.Ending,
        { HasPausedPeer: true } or { IsPausedByPeer: true } => ConnectionState.Paused,
        _ => ConnectionState.Open,
    });

    /// <summary>Bytes of a client that were sent over the link, and those that came.</summary>
    public (long Sent, long Received) BytesOf(LinkClient client) => Ask(_ => (client.BytesSent, client.BytesReceived));

    /// <summary>The clients there are, the oldest first; those too that have ended on the link and whose last bytes are being delivered.</summary>
    public ClientConnection[] Connections(string owner, string device) => Ask(machine =>
    {
        HashSet<LinkClient> clients = [.. _closed ? [] : machine.Clients.All, .. _ending.Where(client => !client.HasFailed)];
        return clients.OrderBy(client => client.OpenedAt).Select(client => new ClientConnection(this, client, owner, device, _time)).ToArray();
    });

    public void Delivered(LinkClient client, int count) => Tell(machine => machine.Clients.Delivered(client, count));

    /// <summary>Wakes a client when the reader has let go of the lock. Called with it held, by the reader.</summary>
    public void WakeLater(ClientPump pump)
    {
        // Frames come in runs, and once is enough.
        if (_woken.Count == 0 || _woken[^1] != pump)
        {
            _woken.Add(pump);
        }
    }

    /// <summary>Finds a client by its identity, <c>IPv4,127.0.0.1,4321</c>.</summary>
    public LinkClient? Find(string socketId) => Ask(machine => machine.Clients.Find(Encoding.UTF8.GetBytes(socketId)));

    /// <summary>Asks the peer for something on the control channel. The reply always comes: in time, as E_TIMEOUT, or as E_LINK_LOST.</summary>
    public Task<ControlReply> RequestAsync(string command, params object?[] arguments)
    {
        var reply = new TaskCompletionSource<ControlReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_closed)
            {
                return Task.FromResult(ControlReply.LinkLost(0));
            }

            // Throws before anything is noted where the message is too long.
            _requests.Add(_machine.Control.Request(command, arguments), reply);
            _timer.Arm(_machine.NextDeadline);
        }

        Push();
        return reply.Task;
    }

    /// <summary>Does something in turn with what the peer says, under the link's lock. Nothing where the link is over.</summary>
    public void Do(Action what) => Tell(_ => what());

    /// <summary>Says something on the control channel that has no reply.</summary>
    public void Say(Action<ControlChannel> what) => Tell(machine => what(machine.Control));

    /// <summary>Tells the peer why, and ends the link when that is on its way, or a second later.</summary>
    public void CloseWith(string code, string message) => Tell(machine =>
    {
        if (_lastWords is null)
        {
            machine.Control.Report(code, message);
            _lastWords = new LinkException(message, code: code);
            _lastWordsBy = _time.GetTimestamp() + (long)(LastWords.TotalSeconds * _time.TimestampFrequency);
            _timer.Arm(_lastWordsBy);
        }
    });

    /// <summary>Asks for a sign of life now. Where none comes in time, the link ends.</summary>
    public async Task ProbeAsync(TimeSpan patience)
    {
        var since = _time.GetTimestamp();
        try
        {
            await RequestAsync("ping").WaitAsync(patience, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Any byte is life, as ever.
            if (Math.Max(_carrier.LastHeard, _writer.LastPushed) <= since)
            {
                Tell(_ => Break(new LinkException("The peer does not answer.", code: ErrorCode.Timeout)));
            }
        }
    }

    /// <summary>Done when the link has no client left, nor one whose last bytes are being delivered.</summary>
    public Task WhenIdleAsync()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return Task.CompletedTask;
            }

            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            CheckIdle();
            return _idle?.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>Done when the link is idle and the peer has all that was said of its last clients: who closes the link next takes nothing from them.</summary>
    public async Task WhenFinishedAsync()
    {
        await WhenIdleAsync().ConfigureAwait(false);
        if (IsUp)
        {
            // Their ends may be with the writer or on their way still. The answer comes behind them; a peer that gives none is waited for no longer than for last words.
            await StopSwitch.DrainAsync(RequestAsync("ping"), LastWords, _time, CancellationToken.None).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _carrier.DisposeAsync().ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        _broken.Dispose();
    }

    void ILinkEvents.Opened(LinkClient client) => _host.Opened(this, client);

    int ILinkEvents.Received(LinkClient client, ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        if (client.BytesReceived == data.Length && Role == LinkRole.Relay && !data.IsEmpty)
        {
            _host.Answered(this, client);
        }

        return client.Sink switch
        {
            null => data.Length,
            SocketPump { CanSendNow: true } pump => SendNow(pump, data),
            { TakesUnlocked: true } sink => TakeUnlocked(sink, data, isFrameEnd),
            var sink => sink.Received(data, isFrameEnd),
        };
    }

    void ILinkEvents.Released()
    {
        _released?.TrySetResult();
        _released = null;
    }

    void ILinkEvents.Resumed(LinkClient client) => client.Sink?.Resumed();

    void ILinkEvents.PeerEnded(LinkClient client) => client.Sink?.PeerEnded();

    void ILinkEvents.Failed(LinkClient client, string code, string message) => client.Sink?.Failed(code, message);

    void ILinkEvents.Closed(LinkClient client) => TellIfOver(client);

    void ILinkEvents.Sent(LinkClient client) => _sent.Add(client);

    void ILinkEvents.WentUp() => _host.WentUp(this);

    bool ILinkEvents.Commanded(in ControlCommand command) => _host.Commanded(this, command);

    void ILinkEvents.Replied(ControlReply reply)
    {
        if (_requests.Remove(reply.Id, out var waiting))
        {
            waiting.TrySetResult(reply);
        }
    }

    void ILinkEvents.Measured(TimeSpan roundTrip) => _host.Measured(this, roundTrip);

    void ILinkEvents.Reported(ControlReply error) => _host.Reported(this, error);

    void ILinkEvents.WorkReady() => _writer.Signal();

    void ILinkEvents.Broke(LinkException reason) => Break(reason);

    private void Break(LinkException reason)
    {
        if (!_closed && _breakReason is null)
        {
            _breakReason = reason;

            // Not here and now: what is cancelled runs on, and the lock is held.
            _ = _broken.CancelAsync();
        }
    }

    private int SendNow(SocketPump pump, ReadOnlySpan<byte> data)
    {
        // The system's part is by far the longest of a frame's way: others have the lock meanwhile.
        Monitor.Exit(_gate);
        int sent;
        try
        {
            sent = pump.SendNow(data);
        }
        finally
        {
            Monitor.Enter(_gate);
        }

        return sent == data.Length || pump.Keep(data[sent..]) ? sent : data.Length;
    }

    private int TakeUnlocked(ClientSink sink, ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        Monitor.Exit(_gate);
        try
        {
            return sink.Received(data, isFrameEnd);
        }
        finally
        {
            Monitor.Enter(_gate);
        }
    }

    private void Receive(ReadOnlySpan<byte> bytes)
    {
        // Before it is answered, so that a question stands before its answer.
        _tap?.Received(bytes);
        try
        {
            lock (_gate)
            {
                if (!_closed)
                {
                    _machine.Receive(bytes);
                    CheckIdle();
                    _timer.Arm(_machine.NextDeadline);
                }
            }
        }
        finally
        {
            // Also where the peer says something wrong: what it said before that is delivered.
            _woken.ForEach(pump => pump.Wake());
            _woken.Clear();
        }

        Push();
    }

    /// <summary>Called by the writer with no lock held: clients go on, and may have their next frame ready before the last is sent.</summary>
    private void TellSent()
    {
        _sent.ForEach(client => client.Sink?.Sent());
        _sent.Clear();
    }

    private int Gather(Span<byte> batch, int enough)
    {
        int length;
        lock (_gate)
        {
            length = _machine.Gather(batch, enough);
            if (length == 0 && _lastWords is { } reason)
            {
                Break(reason);
            }
        }

        _tap?.Sending(batch[..length]);
        return length;
    }

    private void Tick() => Tell(machine =>
    {
        if (_lastWords is { } reason)
        {
            if (_time.GetTimestamp() >= _lastWordsBy)
            {
                Break(reason);
            }

            _timer.Arm(_lastWordsBy);
            return;
        }

        machine.Tick(Math.Max(_carrier.LastHeard, _writer.LastPushed));
        _timer.Arm(machine.NextDeadline);
    });

    private void FailNow(LinkClient client, string code, string message)
    {
        _machine.Clients.Fail(client, code, message);
        client.Sink?.Failed(code, message);
    }

    private bool IsIdle(LinkClient client, Func<LinkClient, TimeSpan> timeoutOf, long now)
    {
        var moved = client.BytesSent + client.BytesReceived + client.BytesDelivered;
        if (moved != client.MovedBefore || client.IdleSince == 0 || client is { IsSuspended: true, IsClosed: false })
        {
            (client.MovedBefore, client.IdleSince) = (moved, now);
            return false;
        }

        return timeoutOf(client) is { Ticks: > 0 } timeout && _time.GetElapsedTime(client.IdleSince, now) >= timeout;
    }

    private void EndIdle(LinkClient client, long now)
    {
        if (client.Sink?.IsHeldBack(client.IdleSince) == true)
        {
            // Not silent: it is this side that keeps it waiting.
            client.IdleSince = now;
        }
        else if (client is { IsDatagram: true, EndSent: false })
        {
            // A peer that does not end its side by the next look is not waited for.
            client.EndCode ??= ErrorCode.Idle;
            _machine.Clients.End(client);
        }
        else
        {
            FailNow(client, ErrorCode.Idle, "nothing came or went for too long");
        }
    }

    private void Withdraw(LinkClient client, PendingSend pending) => Tell(_ =>
    {
        if (LinkMachine.Withdraw(client))
        {
            pending.Complete(sent: false);
        }
    });

    private T Ask<T>(Func<LinkMachine, T> question)
    {
        lock (_gate)
        {
            return question(_machine);
        }
    }

    private void Tell(Action<LinkMachine> what)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                what(_machine);
                CheckIdle();
            }
        }

        Push();
    }

    /// <summary>Sends what the machine has made ready. Where the caller holds the lock, it has more to tell, and does this itself later.</summary>
    private void Push()
    {
        if (!Monitor.IsEntered(_gate))
        {
            _writer.Push();
        }
    }

    private IncompleteFrameException? HalfFrame()
    {
        try
        {
            _machine.Complete();
            return null;
        }
        catch (IncompleteFrameException error)
        {
            return error;
        }
    }

    private void PumpEnded(ClientPump pump)
    {
        lock (_gate)
        {
            _pumps.Remove(pump);

            // A pump that ended in a way that nobody foresaw leaves no client behind, at neither side. One that has said its end may be done
            // before the other side has: what that still sends is for nobody.
            if (!_closed && pump.Client is { IsClosed: false, EndSent: false })
            {
                FailNow(pump.Client, ErrorCode.Unknown, "the connection broke");
            }

            if (pump.Client is { IsClosed: false, Waiting: > 0 and var rest })
            {
                // Nobody will take it. Else its peer could stay paused, and never say its end.
                _machine.Clients.Delivered(pump.Client, checked((int)rest));
            }

            TellIfOver(pump.Client);
            CheckIdle();
        }

        Push();
    }

    /// <summary>A client is over when no frame of it is to come, and its last bytes are delivered.</summary>
    private void TellIfOver(LinkClient client)
    {
        if (client is not { IsClosed: true, IsOver: false })
        {
            return;
        }

        if (client.Sink is ClientPump pump && _pumps.Contains(pump))
        {
            _ending.Add(client);
            return;
        }

        _ending.Remove(client);
        client.IsOver = true;
        client.Sink?.Over();
        _host.Ended(this, client);
    }

    private void CheckIdle()
    {
        lock (_gate)
        {
            if (_idle is not null && _machine.Clients.Count == 0 && _pumps.Count == 0)
            {
                _idle.TrySetResult();
                _idle = null;
            }
        }
    }

    private async Task CloseAsync(bool atOnce)
    {
        Task delivered;
        lock (_gate)
        {
            _closed = true;
            foreach (var client in _machine.Clients.All)
            {
                client.IsClosed = true;
                client.EndCode = ErrorCode.LinkLost;
                client.Sink?.LinkLost();
                TellIfOver(client);
            }

            // Those that had ended and still drained too.
            _pumps.ForEach(pump => pump.LinkLost());
            foreach (var request in _requests)
            {
                request.Value.TrySetResult(ControlReply.LinkLost(request.Key));
            }

            // With the lock held: whoever is not waited for here has been told of.
            delivered = _pumps.CloseAsync();
        }

        // Bytes that are here are delivered, but a stalled reader holds up the end of a link for a moment only.
        try
        {
            await delivered.WaitAsync(atOnce ? TimeSpan.Zero : LastWords, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _pumps.ForEach(pump => pump.Abort());
            await delivered.ConfigureAwait(false);
        }

        lock (_gate)
        {
            _idle?.TrySetResult();
            _released?.TrySetResult();
        }
    }
}
