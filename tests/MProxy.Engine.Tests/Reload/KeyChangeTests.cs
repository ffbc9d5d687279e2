using System.Collections;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Sessions;
using MProxy.Engine.Tests.Tokens;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Reload;

/// <summary>Keys, audience and revoked ids change while links are up: what a token does not allow any more is over at once, and nothing else is.</summary>
public class KeyChangeTests
{
    private static readonly byte[] OldSecret = RandomNumberGenerator.GetBytes(32);
    private static readonly TokenKey Old = TokenKey.FromSecret(OldSecret);
    private static readonly TokenKey New = TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32));

    private readonly EventLog _events = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_that_is_taken_away_takes_along_what_its_tokens_allowed()
    {
        int[] ports = [FreePort.Take(), FreePort.Take(), FreePort.Take(), FreePort.Take()];
        await using var world = NewWorld([Old, New], ports);
        var byOld = await world.ConnectLinkAsync(world.NewToken([ports[0]], key: Old));
        var byNew = await world.ConnectLinkAsync(world.NewToken([ports[1]], key: New));
        var byBoth = await world.ConnectLinkAsync(world.NewToken([ports[2]], key: Old), world.NewToken([ports[3]], key: New));
        var (first, _) = await MemoryWorld.ConnectAsync(byOld, ports[0]);
        var (second, ofSecond) = await MemoryWorld.ConnectAsync(byNew, ports[1]);
        var (third, _) = await MemoryWorld.ConnectAsync(byBoth, ports[2]);
        var (fourth, ofFourth) = await MemoryWorld.ConnectAsync(byBoth, ports[3]);

        world.Relay.Change(options => options with { Keys = [New] });
        Assert.Equal(ports[1..].Except([ports[2]]).Order(), world.Relay.OpenPort);
        await MemoryWorld.IsResetAsync(first);
        await MemoryWorld.IsResetAsync(third);
        await MemoryWorld.IsRefusedAsync(ports[0]);
        Assert.Equal(ErrorCode.NotGranted, (await byOld.ReceiveFrameAsync(Token))!.Code);
        Assert.Equal(ErrorCode.NotGranted, (await byBoth.ReceiveFrameAsync(Token))!.Code);

        // What it may serve now is told behind that, and the answer to a ping behind both.
        await Task.WhenAll(byOld.SendControlAsync("ping", [], Token), byBoth.SendControlAsync("ping", [], Token));
        Assert.Empty(byOld.Grants);
        Assert.Equal([ports[3]], byBoth.Grants.SelectMany(grant => grant.Ports));
        await AnswersAsync(byNew, second, ofSecond);
        await AnswersAsync(byBoth, fourth, ofFourth);

        // Nobody comes in with the old key, and a link that has nothing else goes after a while, for good.
        Assert.Equal(ErrorCode.InvalidToken, (await byNew.SendControlAsync("add_token", [world.NewToken([], key: Old)], Token)).Code);
        world.Time.Advance(TimeSpan.FromSeconds(10));
        await byOld.Ended.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal(LinkState.Refused, byOld.State);
        Assert.Equal((LinkState.Connected, LinkState.Connected), (byNew.State, byBoth.State));
        await AnswersAsync(byNew, second, ofSecond);
        second.Dispose();
        fourth.Dispose();
    }

    [Fact]
    public async Task A_key_that_is_loaded_again_changes_nothing()
    {
        using var rsa = RSA.Create(2048);
        var (secret, pair) = (FreePort.Take(), FreePort.Take());
        var signing = TokenKey.FromPem(rsa.ExportPkcs8PrivateKeyPem());
        await using var world = NewWorld([Old, signing], secret, pair);
        var link = await world.ConnectLinkAsync(world.NewToken([secret], key: Old), world.NewToken([pair], key: signing));
        link.EventRaised += _events.Take;
        await _events.NextAsync(EventKind.GrantsChanged);
        await _events.NextAsync(EventKind.GrantsChanged);
        var (client, connection) = await MemoryWorld.ConnectAsync(link, secret);
        var (other, ofOther) = await MemoryWorld.ConnectAsync(link, pair);

        // The same secret; the other in another order, and of the pair the public half alone.
        world.Relay.Change(options => options with { Keys = [TokenKey.FromPem(rsa.ExportSubjectPublicKeyInfoPem()), TokenKey.FromSecret(OldSecret), New] });
        await AnswersAsync(link, client, connection);
        await AnswersAsync(link, other, ofOther);
        Assert.Equal(new[] { secret, pair }.Order(), world.Relay.OpenPort);
        Assert.Equal(0, _events.Count(EventKind.GrantsChanged));
        client.Dispose();
        other.Dispose();
    }

    [Fact]
    public async Task An_audience_that_changes_is_asked_of_tokens_that_are_there()
    {
        var (one, both, none) = (FreePort.Take(), FreePort.Take(), FreePort.Take());
        await using var world = NewWorld([Old], one, both, none);
        var links = new List<DeviceLink>
        {
            await world.ConnectLinkAsync(TokenFor(world, one, "a")),
            await world.ConnectLinkAsync(TokenFor(world, both, "a", "b")),
            await world.ConnectLinkAsync(TokenFor(world, none)),
        };
        Assert.Equal(new[] { one, both, none }.Order(), world.Relay.OpenPort);
        world.Relay.Change(options => options with { Audience = "a" });
        Assert.Equal(new[] { one, both }.Order(), world.Relay.OpenPort);
        world.Relay.Change(options => options with { Audience = "b" });
        Assert.Equal([both], world.Relay.OpenPort);
        world.Relay.Change(options => options with { Audience = null });
        Assert.Equal([both], world.Relay.OpenPort);
        Assert.True((await links[0].SendControlAsync("add_token", [TokenFor(world, one, "a")], Token)).Success);
        Assert.Equal(new[] { one, both }.Order(), world.Relay.OpenPort);
    }

    [Fact]
    public async Task A_revoked_id_is_refused_for_good_and_what_it_had_is_over_at_once()
    {
        var (first, second) = (FreePort.Take(), FreePort.Take());
        await using var world = NewWorld([Old], first, second);
        var revoked = world.NewToken([first], "stolen", key: Old);
        var link = await world.ConnectLinkAsync(revoked, world.NewToken([second], "kept", key: Old));
        var (client, _) = await MemoryWorld.ConnectAsync(link, first);
        var (other, ofOther) = await MemoryWorld.ConnectAsync(link, second);
        world.Relay.Change(options => options with { RevokedTokenIds = ["stolen", "never seen"] });
        Assert.Equal(["stolen", "never seen"], world.Relay.RevokedTokenId);
        await MemoryWorld.IsResetAsync(client);
        Assert.Equal([second], world.Relay.OpenPort);
        Assert.Equal(ErrorCode.NotGranted, (await link.ReceiveFrameAsync(Token))!.Code);
        await AnswersAsync(link, other, ofOther);
        foreach (var command in new[] { "add_token", "check_token" })
        {
            var reply = await link.SendControlAsync(command, [revoked], Token);
            Assert.Equal((ErrorCode.InvalidToken, "The token has been revoked."), (reply.Code, reply.Message));
        }

        Assert.True((await Assert.ThrowsAsync<LinkException>(() => world.ConnectLinkAsync(revoked))).Code == ErrorCode.InvalidToken);

        // No other id is meant, and the same may be forgiven.
        world.Relay.Change(options => options with { RevokedTokenIds = ["STOLEN", "stolen "] });
        Assert.True((await link.SendControlAsync("add_token", [revoked], Token)).Success);
        other.Dispose();
    }

    [Fact]
    public async Task A_link_without_a_token_is_closed_by_the_time_out_there_is_now()
    {
        await using var world = NewWorld([Old]);
        var link = await world.ConnectLinkAsync();
        world.Relay.Change(options => options with { TokenTimeout = TimeSpan.FromSeconds(14) });
        world.Time.Advance(TimeSpan.FromSeconds(10.5));
        Assert.True((await link.SendControlAsync("ping", [], Token)).Success);
        world.Relay.Change(options => options with { TokenTimeout = TimeSpan.FromSeconds(12) });
        world.Time.Advance(TimeSpan.FromSeconds(1.5));
        await link.Ended.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal(LinkState.Refused, link.State);
    }

    [Fact]
    public async Task A_client_that_was_routed_before_the_key_went_is_not_brought_any_more()
    {
        var port = FreePort.Take();
        await using var world = NewWorld([Old, New], port);
        await world.ConnectLinkAsync(world.NewToken([port], key: Old));
        var meta = new FrameMeta { Family = "IPv4", Address = "192.0.2.1", Port = 5, Service = "tcp", ServicePort = port };
        var candidate = Assert.Single(world.Relay.Registry.Candidates(meta));
        world.Relay.Change(options => options with { Keys = [New] });
        Assert.Empty(world.Relay.Registry.Candidates(meta));
        Assert.Equal(OpenResult.Unavailable, candidate.TryOpen(meta, (_, _) => throw new InvalidOperationException("It was brought to the device.")));
    }

    [Fact]
    public async Task A_token_that_is_being_checked_when_its_key_goes_leaves_nothing_behind()
    {
        var port = FreePort.Take();
        using var keys = new HeldKeys(Old, New);
        await using var world = new MemoryWorld(options => options with { TcpPort = [], Keys = keys, GrantedPort = [port] });
        var link = await world.ConnectLinkAsync(world.NewToken([], key: New));
        keys.HoldNext();
        var adding = link.SendControlAsync("add_token", [world.NewToken([port], key: Old)], Token);
        await Until.TrueAsync(() => keys.IsHeld);
        var changing = Task.Run(() => world.Relay.Change(options => options with { Keys = [New], RevokedTokenIds = ["seen"] }), Token);
        await Until.TrueAsync(() => world.Relay.RevokedTokenId.Count > 0);

        // It waits for the check, or would have found nothing by now.
        for (var i = 0; i < 10_000 && !changing.IsCompleted; i++)
        {
            await Task.Yield();
        }

        keys.Release();
        await Task.WhenAll(adding, changing).WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Empty(world.Relay.OpenPort);
        Assert.False(world.Relay.Registry.HasDevice(new FrameMeta { Family = "IPv4", Address = "192.0.2.1", Port = 5, Service = "tcp", ServicePort = port }));
        Assert.True((await link.SendControlAsync("ping", [], Token)).Success);
        Assert.Equal(["https device.example"], link.Grants.Select(grant => $"{grant}"));
    }

    private static string TokenFor(MemoryWorld world, int port, params string[] audiences)
    {
        var claims = System.Text.Json.JsonSerializer.Serialize(new { ports = new[] { port }, domains = new[] { "device.example" }, aud = audiences });
        return Forge.Hmac(claims, secret: OldSecret);
    }

    private static async Task AnswersAsync(DeviceLink link, Socket client, Frame connection)
    {
        Assert.True(await link.SendFrameAsync(FrameKind.Message, connection.SocketId!, new byte[] { 7 }, Token));
        var answer = new byte[1];
        await LocalService.ReadExactlyAsync(client, answer).WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal(7, answer[0]);
    }

    private static MemoryWorld NewWorld(TokenKey[] keys, params int[] ports) =>
        new(options => options with { TcpPort = [], Keys = keys, GrantedPort = ports });

    /// <summary>Keys that keep who looks for one next.</summary>
    private sealed class HeldKeys(params TokenKey[] keys) : IReadOnlyList<TokenKey>, IDisposable
    {
        private readonly ManualResetEventSlim _free = new();
        private int _next;

        public int Count => keys.Length;

        public bool IsHeld { get; private set; }

        public TokenKey this[int index] => keys[index];

        public void HoldNext() => Volatile.Write(ref _next, 1);

        public void Release() => _free.Set();

        public void Dispose() => _free.Dispose();

        public IEnumerator<TokenKey> GetEnumerator()
        {
            if (Interlocked.Exchange(ref _next, 0) == 1)
            {
                IsHeld = true;
                _free.Wait(TimeSpan.FromSeconds(20), Token);
            }

            return keys.AsEnumerable().GetEnumerator();
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
