using System.Net.Sockets;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Limits;

/// <summary>Which clients count as silent, and what becomes of them, by a clock that the test moves. The relay looks every ten seconds.</summary>
public sealed class IdleClientTests : IAsyncDisposable
{
    private const int Megabyte = 1 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Links that are never probed, and hold more than any socket does.</summary>
    private static readonly LinkOptions Links = new() { ProbeAfter = TimeSpan.FromDays(1000), HighMark = 64 * Megabyte, ClientBound = 128 * Megabyte };

    private readonly List<Socket> _clients = [];
    private readonly MemoryWorld _world = new(options => options with { Link = Links, Limits = new() { ClientIdleTimeout = TimeSpan.FromSeconds(60) } });
    private DeviceLink _device = null!;
    private string _socketId = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private LinkConnection Link => Assert.Single(_world.Relay.Registry.Links).Connection;

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            client.Dispose();
        }

        await _world.DisposeAsync();
    }

    [Fact]
    public async Task One_that_neither_sends_nor_gets_anything_is_ended_with_a_reset_and_counted()
    {
        var client = await ConnectAsync();
        Pass(69);
        IsThere();
        Pass(1);
        await HasEndedAsync(client);
        Assert.Equal(ErrorCode.Idle, (await _device.ReceiveFrameAsync(Token).WaitAsync(Patience, Token))!.Code);
    }

    [Fact]
    public async Task One_that_only_gets_something_now_and_then_stays()
    {
        var client = await ConnectAsync();
        for (var i = 0; i < 10; i++)
        {
            Pass(55);
            await AnswerAsync(client);
            IsThere();
        }

        Pass(69);
        IsThere();
        Pass(10);
        await HasEndedAsync(client);
    }

    [Fact]
    public async Task One_that_only_sends_something_now_and_then_stays()
    {
        var client = await ConnectAsync();
        for (var i = 0; i < 10; i++)
        {
            Pass(55);
            await SayAsync(client);
            IsThere();
        }

        Pass(79);
        await HasEndedAsync(client);
    }

    [Fact]
    public async Task One_that_sends_nothing_more_stays_as_long_as_its_answer_comes()
    {
        var client = await ConnectAsync();
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(FrameKind.End, (await _device.ReceiveFrameAsync(Token).WaitAsync(Patience, Token))!.Kind);
        for (var i = 0; i < 10; i++)
        {
            Pass(55);
            await AnswerAsync(client);
            IsThere();
        }

        Pass(79);
        await HasEndedAsync(client);
    }

    [Fact]
    public async Task One_that_gets_nothing_more_stays_as_long_as_it_sends()
    {
        var client = await ConnectAsync();
        Assert.True(await _device.SendFrameAsync(FrameKind.End, _socketId, default, Token));
        Assert.Equal(0, await client.ReceiveAsync(new byte[1], Token));
        for (var i = 0; i < 10; i++)
        {
            Pass(55);
            await SayAsync(client);
            IsThere();
        }

        Pass(79);
        await HasEndedAsync();

        // It has read the end already; that its own way is closed, it sees when it sends.
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (!Token.IsCancellationRequested)
            {
                await client.SendAsync(new byte[1], Token);
            }
        });
    }

    [Fact]
    public async Task One_whose_service_has_said_all_and_that_never_closes_is_over_after_a_minute()
    {
        Set(_ => new RelayLimits());
        var client = await ConnectAsync();
        Assert.True(await _device.SendFrameAsync(FrameKind.End, _socketId, default, Token));
        Assert.Equal(0, await client.ReceiveAsync(new byte[1], Token));
        Pass(69);
        IsThere();
        Pass(10);
        await HasEndedAsync();
    }

    [Fact]
    public async Task One_that_has_said_all_and_waits_for_its_answer_may_wait_for_long()
    {
        Set(_ => new RelayLimits());
        var client = await ConnectAsync();
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(FrameKind.End, (await _device.ReceiveFrameAsync(Token).WaitAsync(Patience, Token))!.Kind);
        Pass(80_000);
        IsThere();
    }

    [Fact]
    public async Task One_that_the_operator_has_suspended_stays_and_has_its_time_when_it_is_resumed()
    {
        var client = await ConnectAsync();
        var connection = Assert.Single(_world.Relay.Connections);
        connection.Suspend();
        Pass(3600);
        IsThere();
        connection.Resume();
        Pass(59);
        IsThere();
        Pass(11);
        await HasEndedAsync(client);
    }

    [Fact]
    public async Task One_that_reads_nothing_is_ended_though_much_waits_for_it()
    {
        var client = await ConnectAsync();
        Assert.True(await _device.SendFrameAsync(FrameKind.Message, _socketId, new byte[40 * Megabyte], Token));
        await NothingMovesAsync();
        PassUntilNothingMoves();
        await HasEndedAsync(client);
        await Until.TrueAsync(() => _world.Relay.Ledger.Buffers <= 2);
    }

    [Fact]
    public async Task One_whose_last_bytes_nobody_reads_is_ended_though_it_is_over_on_its_link()
    {
        var client = await ConnectAsync();
        client.Shutdown(SocketShutdown.Send);
        Assert.True(await _device.SendFrameAsync(FrameKind.Message, _socketId, new byte[40 * Megabyte], Token));
        Assert.True(await _device.SendFrameAsync(FrameKind.End, _socketId, default, Token));
        await Until.TrueAsync(() => _world.Relay.ClientCount == 0);
        Assert.Equal(1, _world.Relay.Admission.Count);
        await NothingMovesAsync();

        // Whoever suspended it before it was over keeps it no longer.
        Assert.Single(_world.Relay.Connections).Suspend();
        PassUntilNothingMoves();
        await HasEndedAsync(client);
    }

    [Fact]
    public async Task One_that_reads_slowly_stays()
    {
        var client = await ConnectAsync();
        Assert.True(await _device.SendFrameAsync(FrameKind.Message, _socketId, new byte[60 * Megabyte], Token));
        var buffer = new byte[Megabyte / 8];
        for (var i = 0; i < 8; i++)
        {
            Pass(55);
            var delivered = Delivered;
            while (Delivered == delivered)
            {
                await LocalService.ReadExactlyAsync(client, buffer);
            }

            IsThere();
        }

        await NothingMovesAsync();
        PassUntilNothingMoves();
        await HasEndedAsync(client);
    }

    [Fact]
    public async Task One_that_a_limit_of_this_relay_keeps_waiting_is_not_silent()
    {
        Set(limits => limits with { ClientIdleTimeout = TimeSpan.FromSeconds(10), ClientBytesPerSecond = 10 });
        var client = await ConnectAsync();
        Assert.True(await _device.SendFrameAsync(FrameKind.Message, _socketId, new byte[3000], Token));
        await Until.TrueAsync(() => Link.Find(_socketId) is { Sink: { } sink } && sink.IsHeldBack(long.MaxValue));
        Pass(90);
        IsThere();
        Assert.Equal(0, client.Available);
        Set(limits => limits with { ClientBytesPerSecond = 0 });
        await Until.TrueAsync(() =>
        {
            // Its wait is looked at once a second, and the timer may not be set yet.
            if (Link.Find(_socketId) is { Sink: { } sink } && sink.IsHeldBack(long.MaxValue))
            {
                Pass(1);
            }

            return Delivered == 3000;
        });
        await LocalService.ReadExactlyAsync(client, new byte[3000]).WaitAsync(Patience, Token);
        IsThere();
        Pass(20);
        await HasEndedAsync(client);
    }

    [Fact]
    public async Task Zero_is_for_ever_and_a_time_out_may_come_later()
    {
        Set(limits => limits with { ClientIdleTimeout = TimeSpan.Zero });
        var client = await ConnectAsync();
        Pass(10 * 86_400);
        IsThere();
        Set(limits => limits with { ClientIdleTimeout = TimeSpan.FromHours(1) });
        Pass(10);
        await HasEndedAsync(client);
    }

    [Fact]
    public async Task A_shell_that_nobody_types_into_stays_for_a_day_unless_it_is_said_otherwise()
    {
        Set(_ => new RelayLimits());
        var client = await ConnectAsync();
        Pass(86_400);
        IsThere();
        Pass(10);
        await HasEndedAsync(client);
    }

    [Fact]
    public async Task Others_stay()
    {
        var silent = await ConnectAsync();
        var socketId = _socketId;
        var client = await ConnectAsync();
        for (var i = 0; i < 2; i++)
        {
            Pass(55);
            await SayAsync(client, i == 1 ? FrameKind.Error : null);
        }

        await _world.Relay.Admission.HasAsync(1);
        Assert.NotEqual(socketId, _socketId);
        await MemoryWorld.IsResetAsync(silent);
        await AnswerAsync(client);
        IsThere();
    }

    private long Delivered => Link.Find(_socketId)?.BytesDelivered ?? 0;

    private void Pass(double seconds) => _world.Time.Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>The system may take something for the client yet, and does so for some moments at most.</summary>
    private void PassUntilNothingMoves()
    {
        for (var i = 0; i < 60 && _world.Relay.LimitedBy.Count + _world.Relay.ClientCount + _world.Relay.Connections.Count > 0; i++)
        {
            Pass(10);
        }
    }

    private void Set(Func<RelayLimits, RelayLimits> change) =>
        _world.Relay.Settings.Current = _world.Relay.Settings.Current with { Limits = change(_world.Relay.Settings.Limits) };

    private async Task<Socket> ConnectAsync()
    {
        _device ??= _world.Own(await DeviceLink.ConnectAsync(_world.Options() with { Link = Links }, _world.Time, Token));
        var (client, connection) = await MemoryWorld.ConnectAsync(_device, _world.Relay.TcpPort[0]);
        _clients.Add(client);
        _socketId = connection.SocketId!;
        return client;
    }

    private async Task AnswerAsync(Socket client)
    {
        Assert.True(await _device.SendFrameAsync(FrameKind.Message, _socketId, new byte[1], Token));
        await LocalService.ReadExactlyAsync(client, new byte[1]).WaitAsync(Patience, Token);
    }

    /// <param name="client">Who says something.</param>
    /// <param name="before">What the device is told before that.</param>
    private async Task SayAsync(Socket client, FrameKind? before = null)
    {
        await client.SendAsync(new byte[1], Token);
        if (before is not null)
        {
            Assert.Equal(before, (await _device.ReceiveFrameAsync(Token).WaitAsync(Patience, Token))!.Kind);
        }

        Assert.Equal(FrameKind.Message, (await _device.ReceiveFrameAsync(Token).WaitAsync(Patience, Token))!.Kind);
    }

    private void IsThere() => Assert.Equal((1, 1), (_world.Relay.ClientCount, _world.Relay.Admission.Count));

    private async Task HasEndedAsync(Socket client)
    {
        await HasEndedAsync();
        await MemoryWorld.IsResetAsync(client);
    }

    private async Task HasEndedAsync()
    {
        Assert.Equal(0, _world.Relay.ClientCount);
        await _world.Relay.Admission.HasAsync(0);
        Assert.Equal(1, _world.Relay.LimitedBy["client idle"]);
        Assert.Equal(0, Link.Waiting);
    }

    /// <summary>The system has taken for the client what it takes: nothing is delivered while control messages go there and back.</summary>
    private async Task NothingMovesAsync()
    {
        for (var before = -1L; before != Link.Waiting;)
        {
            before = Link.Waiting;
            for (var i = 0; i < 200; i++)
            {
                Assert.True((await Link.RequestAsync("ping")).Success);
            }
        }
    }
}
