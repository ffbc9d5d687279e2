using System.Net;
using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Lies;

/// <summary>What comes of each misuse: the codes that the peer is told, in order, and how the link ends, if it does.</summary>
public sealed class MisuseTests
{
    private const string Ping = "[777777,\"ping\"]";
    private const string Pong = "[-777777,null]";

    /// <summary>Of a client that the relay has brought.</summary>
    private const string Known = "CLIENT";
    private const string Never = "IPv4,192.0.2.9,9";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Header, body, the codes told, and a part of what is said of the end; none where the link goes on.</summary>
    public static TheoryData<string, string, string, string> OfBoth() => new()
    {
        { "!253", "", "", "its first byte is 253" },
        { "!0", "", "", "its first byte is 0" },
        { "", "", "", "The header length is 0" },
        { ",,,0", "", "", "needs at least 5" },
        { $"{Never},+1,tcp,80,", "x", "", "SIZE" },
        { $"{Never},-1,tcp,80,", "x", "", "SIZE" },
        { $"{Never},-0,tcp,80,", "", "", "SIZE" },
        { $"{Never}, 1,tcp,80,", "x", "", "SIZE" },
        { $"{Never},1 ,tcp,80,", "x", "", "SIZE" },
        { $"{Never},1.0,tcp,80,", "x", "", "SIZE" },
        { $"{Never},0x1,tcp,80,", "x", "", "SIZE" },
        { $"{Never},,tcp,80,", "", "", "SIZE" },
        { $"{Never},9223372036854775808,tcp,80,", "x", "", "more than" },
        { $"{Never},01,end,80,", "x", "", "" },
        { "IPv4,192.0.2.9,65536,0,tcp,80,", "", "", "The port is no number" },
        { "IPv4,192.0.2.9,9,0,tcp,-1,", "", "", "The service port is no number" },
        { $"{Never},1,pause,80,", "1", "", "" },
        { $"{Never},1,resume,80,", "1", "", "" },
        { $"{Never},0,end,80,", "", "", "" },
        { $"{Never},2,error,80,", "{}", "", "" },
        { ",,,4,control", "null", ErrorCode.BadCommand, "" },
        { ",,,3,control", "[1]", ErrorCode.BadCommand, "" },
        { ",,,12,control", "[1.5,\"ping\"]", ErrorCode.BadCommand, "" },
        { ",,,5,control", "[5,7]", ErrorCode.BadCommand, "" },
        { ",,,9,control", "[5,\"ping\"", ErrorCode.BadCommand, "" },
        { ",,,10,control", "[5,\"open\"]", ErrorCode.UnknownCommand, "" },
        { ",,,9,control", "[-5,null]", "", "" },
        { ",,,8,control", "[0,null]", "", "" },
        { ",,,0,control", "", "", "" },
    };

    public static TheoryData<string, string, string, string> OfDevices() => new()
    {
        { $"{Never},1,tcp,80,", "x", ErrorCode.NoConnection, "" },
        { $"{Never},0,connection,80,,tcp", "", "", "" },
        { $"{Known},1,tcp,1,", "x", ErrorCode.NotGranted, "" },
        { $"{Known},0,end,,other.example", "", ErrorCode.NotGranted, "" },
        { ",,,24,control", "[5,\"add_token\",\"x.y.zz\"]", ErrorCode.InvalidToken, "" },
        { ",,,25,control", "[5,\"delete_token\",\"x.y.\"]", ErrorCode.InvalidToken, "" },
        { ",,,14,control", "[5,\"services\"]", ErrorCode.BadCommand, "" },
        { ",,,15,control", "[1,\"hello\",[1]]", ErrorCode.UnknownCommand, "" },
    };

    public static TheoryData<string, string, string, string> OfRelays() => new()
    {
        { "IPv4,192.0.2.9,9,0,connection,80,,ssh", "", ErrorCode.NoService, "" },
        { "IPv4,192.0.2.9,005,0,connection,80,,tcp", "", ErrorCode.NoConnection, "" },
        { ",,,0,connection,80,,ssh", "", ErrorCode.NoService, "" },
        { ",,,15,control", "[1,\"hello\",[1]]", "", "" },
        { ",,,15,control", "[1,\"hello\",[2]]", "", "" },
    };

    [Theory]
    [MemberData(nameof(OfBoth))]
    [MemberData(nameof(OfDevices))]
    public async Task Of_a_device(string header, string body, string told, string end)
    {
        await using var world = await LiedToRelay.StartAsync();
        await using var liar = await world.DialDeviceAsync();
        var (client, identity) = await world.ConnectAsync();
        using var closing = client;
        await liar.SendAsync(Frame(header.Replace(Known, identity, StringComparison.Ordinal), body));
        if (end.Length == 0)
        {
            await liar.HearAsync(Ping, Pong);
            Assert.Equal(2, world.Relay.LinkCount);
        }
        else
        {
            await Until.TrueAsync(() => world.Relay.LinkCount == 1);
            await Until.TrueAsync(() => world.Events.Any(one => one.Kind == EventKind.LinkLost));
            Assert.Contains(end, Assert.Single(world.Events, one => one.Kind is EventKind.LinkLost or EventKind.LinkRefused).Message, StringComparison.Ordinal);
        }

        Assert.Equal(told, string.Join(' ', liar.Told));
    }

    [Theory]
    [MemberData(nameof(OfBoth))]
    [MemberData(nameof(OfRelays))]
    public async Task Of_a_relay(string header, string body, string told, string end)
    {
        using var listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var starting = Tunnel.StartAsync(
            WorldOptions.Tunnels(((IPEndPoint)listener.LocalEndPoint!).Port, "tcp", "127.0.0.1:1"), cancellationToken: Token);
        await using var liar = new Liar(await LyingPeer.AcceptAsync("tcp", await listener.AcceptAsync(Token), Token), isRelay: true, new Random(1), () => [], Token);
        await liar.SayAsync(Moves.GreetingMoves.Hello);
        await liar.AcceptNextAsync();
        await using var tunnel = await starting;
        Sessions.EventLog events = new();
        tunnel.EventRaised += events.Take;

        // A relay of this time, so that a message brings no client.
        await liar.SendAsync(RawFrame.Of("IPv4,192.0.2.1,1,0,connection,80,,none"));
        await liar.HearAsync(Ping, Pong);
        Assert.Equal(ErrorCode.NoService, Assert.Single(liar.Told));
        liar.Told.Clear();
        await liar.SendAsync(Frame(header, body));
        if (end.Length == 0)
        {
            await liar.HearAsync(Ping, Pong);
        }
        else
        {
            Assert.Contains(end, (await events.NextAsync(EventKind.LinkLost)).Message, StringComparison.Ordinal);
        }

        Assert.Equal(told, string.Join(' ', liar.Told));
    }

    /// <summary>A relay whose hello names no version is told so, and that is the end of the link.</summary>
    [Theory]
    [InlineData("[1,\"hello\",[2,3],[]]")]
    [InlineData("[1,\"hello\",\"1\",[]]")]
    [InlineData("[1,\"hello\"]")]
    public async Task A_hello_of_other_versions_is_refused(string hello)
    {
        using var listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var connecting = DeviceLink.ConnectAsync(WorldOptions.Links(CarrierUri.Parse($"tcp://{listener.LocalEndPoint}")), cancellationToken: Token);
        await using var liar = new Liar(await LyingPeer.AcceptAsync("tcp", await listener.AcceptAsync(Token), Token), isRelay: true, new Random(1), () => [], Token);
        await liar.SayAsync(hello);
        Assert.Equal(ErrorCode.BadCommand, (await Assert.ThrowsAsync<LinkException>(() => connecting)).Code);
    }

    private static byte[] Frame(string header, string body) => header.StartsWith('!')
        ? RawFrame.Of("IPv4,192.0.2.9,9,0,tcp,80,", version: byte.Parse(header.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture))
        : RawFrame.Of(header, Encoding.UTF8.GetBytes(body));
}
