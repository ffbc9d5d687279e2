using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Limits;

/// <summary>In whatever way a client ends, both sides are told once, and not before its last bytes are delivered: what counts clients relies on that.</summary>
public class ClientEndTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_order()
    {
        await using var pair = await StartAsync(ServeEcho);
        var client = pair.Open(SayAsync);
        await pair.RelayHost.EndAsync(1);
        Assert.Equal(1, pair.RelayHost.EndsOf(client));
        await pair.DeviceHost.EndAsync(1);
        Assert.Null(client.EndCode);
    }

    [Fact]
    public async Task In_order_its_identity_is_free_when_the_device_has_been_asked_whoever_else_is_silent()
    {
        await using var pair = await StartAsync(ServeEcho);
        var client = pair.Open(SayAsync);
        await pair.RelayHost.EndAsync(1);
        Assert.Equal(OpenResult.HeldBack, Again());

        // Nothing but the question itself makes the link send: it is not left to whoever sends next.
        await pair.Relay.WhenReleased(client.Meta).WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal(OpenResult.Opened, Again());

        // Who asks late does not wait for the next release.
        Assert.True(pair.Relay.WhenReleased(client.Meta).IsCompleted);
        await pair.RelayHost.EndAsync(2);

        OpenResult Again() => pair.Relay.TryOpen(client.Meta, int.MaxValue, _ => true, (link, opened) =>
        {
            pair.RelayHost.Opened(opened);
            var pump = new StreamPump(link, opened);
            return (pump, () => pump.RunAsync(SayAsync));
        });
    }

    [Fact]
    public async Task Failed_at_the_relay()
    {
        await using var pair = await StartAsync(ServeEcho);
        var client = pair.Open(WaitAsync);
        pair.Relay.Fail(client, ErrorCode.NotGranted, "no");
        pair.Relay.Fail(client, ErrorCode.Stopped, "again");
        await pair.RelayHost.EndAsync(1);
        await pair.DeviceHost.EndAsync(1);
        Assert.Equal(ErrorCode.NotGranted, client.EndCode);
    }

    [Fact]
    public async Task Failed_by_the_device_when_it_comes()
    {
        await using var pair = await StartAsync((link, client) => link.Fail(client, ErrorCode.NoService, "no"));
        var client = pair.Open(WaitAsync);
        await pair.RelayHost.EndAsync(1);
        await pair.DeviceHost.EndAsync(1);
        Assert.Equal(ErrorCode.NoService, client.EndCode);
    }

    [Fact]
    public async Task Failed_by_the_device_whose_service_cannot_be_reached()
    {
        await using var pair = await StartAsync((link, client) =>
        {
            client.Sink = new StreamPump(link, client);
            _ = Task.Run(() => link.Fail(client, ErrorCode.NoService, "no"), Token);
        });
        pair.Open(WaitAsync);
        await pair.RelayHost.EndAsync(1);
        await pair.DeviceHost.EndAsync(1);
    }

    [Fact]
    public async Task Failed_by_its_local_end()
    {
        await using var pair = await StartAsync(ServeEcho);
        pair.Open((_, _) => throw new IOException("reset"));
        await pair.RelayHost.EndAsync(1);
        await pair.DeviceHost.EndAsync(1);
    }

    [Fact]
    public async Task Failed_in_a_way_that_nobody_foresaw()
    {
        await using var pair = await StartAsync(ServeEcho);
        var client = pair.Open((_, _) => throw new InvalidOperationException("a fault"));
        await pair.RelayHost.EndAsync(1);
        await pair.DeviceHost.EndAsync(1);
        Assert.Equal((0, 0), (pair.Relay.ClientCount, pair.Device.ClientCount));
        Assert.Equal(ErrorCode.Unknown, client.EndCode);
    }

    [Fact]
    public async Task Over_on_the_link_and_failed_while_its_last_bytes_are_delivered()
    {
        await using var pair = await StartAsync(ServeEcho);
        var client = pair.Open(SayAndWaitAsync);
        await Until.TrueAsync(() => pair.Relay.ClientCount == 0);
        await pair.DeviceHost.EndAsync(1);
        Assert.Equal((0, ConnectionState.Ending), (pair.RelayHost.EndsOf(client), pair.Relay.StateOf(client)));
        pair.Relay.Stop(client);
        await pair.RelayHost.EndAsync(1);
    }

    [Fact]
    public async Task Over_on_the_link_and_the_link_lost_while_its_last_bytes_are_delivered()
    {
        await using var pair = await StartAsync(ServeEcho);
        var client = pair.Open(SayAndWaitAsync);
        await Until.TrueAsync(() => pair.Relay.ClientCount == 0);
        await pair.CutAsync();
        await pair.RelayHost.EndAsync(1);
        Assert.Null(client.EndCode);
    }

    [Fact]
    public async Task With_a_link_that_is_lost()
    {
        await using var pair = await StartAsync(ServeEcho);
        var client = pair.Open(WaitAsync);
        await Until.TrueAsync(() => pair.Device.ClientCount == 1);
        await pair.CutAsync();
        await pair.RelayHost.EndAsync(1);
        await pair.DeviceHost.EndAsync(1);
        Assert.Equal(ErrorCode.LinkLost, client.EndCode);
    }

    [Fact]
    public async Task With_a_side_that_stops()
    {
        await using var pair = await StartAsync(ServeEcho);
        pair.Open(WaitAsync);
        pair.Open(SayAndWaitAsync);
        await Until.TrueAsync(() => pair.Relay.ClientCount == 1);
        await pair.EndAsync();

        // Not some time later: whoever has stopped has nobody left.
        Assert.Equal((2, 2), (pair.RelayHost.EndedCount, pair.DeviceHost.EndedCount));
    }

    [Fact]
    public async Task With_no_pump_at_all()
    {
        await using var pair = await StartAsync((_, client) => client.Sink = new IgnoringSink());
        var failed = pair.Join((_, _) => (new IgnoringSink(), null));
        var lost = pair.Join((_, _) => (new IgnoringSink(), null));
        await Until.TrueAsync(() => pair.Device.ClientCount == 2);
        pair.Relay.Fail(failed, ErrorCode.Stopped, "");
        Assert.Equal((1, 0), (pair.RelayHost.EndsOf(failed), pair.RelayHost.EndsOf(lost)));
        await pair.DeviceHost.EndAsync(1);
        await pair.CutAsync();
        await pair.RelayHost.EndAsync(2);
        await pair.DeviceHost.EndAsync(2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task In_all_ways_at_once(int seed)
    {
        await using var pair = await StartAsync((link, client) =>
        {
            switch (client.Meta.Port % 5)
            {
                case 0:
                    link.Fail(client, ErrorCode.NoService, "no");
                    break;
                case 1:
                    client.Sink = new IgnoringSink();
                    break;
                default:
                    ServeEcho(link, client);
                    break;
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(
            async () =>
            {
                var random = new Random((seed * 10) + thread);
                for (var i = 0; i < 500; i++)
                {
                    var client = pair.Open(random.Next(4) switch
                    {
                        0 => SayAsync,
                        1 => SayAndWaitAsync,
                        2 => (_, _) => throw new IOException("reset"),
                        _ => WaitAsync,
                    });
                    switch (random.Next(6))
                    {
                        case 0:
                            pair.Relay.Fail(client, ErrorCode.NotGranted, "no");
                            break;
                        case 1:
                            pair.Relay.Stop(client);
                            break;
                        case 2:
                            pair.Relay.FailWhere(other => other.Meta.Port % 7 == 0, ErrorCode.NotGranted, "no");
                            break;
                        case 3:
                            pair.Device.FailWhere(other => other.Meta.Port % 11 == 0, ErrorCode.Stopped, "no");
                            break;
                        case 4:
                            pair.Relay.EndIdle(_ => TimeSpan.FromTicks(1));
                            break;
                        default:
                            await Task.Yield();
                            break;
                    }
                }
            },
            Token)));
        Assert.Equal(2000, pair.RelayHost.OpenedCount);
        await pair.CutAsync();
    }

    [Fact]
    public async Task A_hundred_thousand_that_came_and_went_leave_nothing_behind()
    {
        await using var pair = await StartAsync((link, client) => client.Sink = new EndingSink(link, client));
        var before = $"{pair.Ledger}";
        for (var round = 0; round < 1000; round++)
        {
            for (var i = 0; i < 100; i++)
            {
                pair.Relay.End(pair.Join((link, client) => (new EndingSink(link, client), null)));
            }

            await pair.RelayHost.EndAsync((round + 1) * 100);
        }

        await pair.DeviceHost.EndAsync(100_000);
        Assert.Equal((0, 0, 0L), (pair.Relay.ClientCount, pair.Device.ClientCount, pair.Relay.Waiting));
        Assert.Empty(pair.Relay.Connections("", ""));
        await Until.TrueAsync(() => $"{pair.Ledger}" == before);
    }

    [Fact]
    public async Task What_comes_for_a_local_end_that_is_over_waits_for_nobody()
    {
        await using var pair = await StartAsync((link, client) =>
        {
            var pump = new StreamPump(link, client);
            client.Sink = pump;
            _ = Task.Run(
                () => link.TryRun(pump, () => pump.RunAsync((stream, _) =>
                {
                    // As where TLS has ended, and what it runs over has not.
                    stream.End();
                    return Task.CompletedTask;
                })),
                Token);
        });
        var client = pair.Open(async (stream, stopping) =>
        {
            while (await stream.ReadAsync(new byte[1], stopping) > 0)
            {
            }

            // More than may wait: the sender would be paused, and never come to its end.
            await stream.WriteAsync(new byte[8 << 20], stopping);
            stream.End();
        });
        await pair.RelayHost.EndAsync(1);
        await pair.DeviceHost.EndAsync(1);
        Assert.Null(client.EndCode);
        Assert.Equal(0, pair.Device.Waiting);
    }

    [Fact]
    public async Task Failed_by_what_nobody_foresaw()
    {
        await using var pair = await StartAsync(ServeEcho);
        var client = pair.Open((_, _) => throw new InvalidCastException("a mistake"));
        await pair.RelayHost.EndAsync(1);
        await pair.DeviceHost.EndAsync(1);
        Assert.Equal(ErrorCode.Unknown, client.EndCode);
    }

    private static async Task<LinkPair> StartAsync(Action<LinkConnection, LinkClient> opened)
    {
        var pair = new LinkPair(opened);
        await pair.UpAsync();
        return pair;
    }

    /// <summary>A device that sends back what comes, and then its end.</summary>
    private static void ServeEcho(LinkConnection link, LinkClient client)
    {
        var pump = new StreamPump(link, client);
        client.Sink = pump;
        _ = Task.Run(() =>
        {
            // One that never runs is ended by whoever would have run it.
            if (!link.TryRun(pump, () => pump.RunAsync(EchoAsync)))
            {
                pump.Abort();
            }
        });

        static async Task EchoAsync(ClientStream stream, CancellationToken stopping)
        {
            await stream.CopyToAsync(stream, stopping);
            stream.End();
        }
    }

    private static async Task SayAsync(ClientStream stream, CancellationToken stopping)
    {
        await stream.WriteAsync("hello"u8.ToArray(), stopping);
        stream.End();
        var buffer = new byte[10];
        while (await stream.ReadAsync(buffer, stopping) > 0)
        {
        }
    }

    /// <summary>Does not take its answer.</summary>
    private static async Task SayAndWaitAsync(ClientStream stream, CancellationToken stopping)
    {
        await stream.WriteAsync("hello"u8.ToArray(), stopping);
        stream.End();
        await Task.Delay(Timeout.Infinite, stopping);
    }

    private static Task WaitAsync(ClientStream stream, CancellationToken stopping) => Task.Delay(Timeout.Infinite, stopping);

    private class IgnoringSink : ClientSink
    {
        public override int Received(ReadOnlySpan<byte> data, bool isFrameEnd) => data.Length;

        public override void PeerEnded()
        {
        }

        public override void Failed(string code, string message)
        {
        }

        public override void LinkLost()
        {
        }

        public override void Sent()
        {
        }
    }

    private sealed class EndingSink(LinkConnection link, LinkClient client) : IgnoringSink
    {
        public override void PeerEnded() => link.End(client);
    }
}
