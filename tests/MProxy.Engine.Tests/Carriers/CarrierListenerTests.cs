using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Carriers;

public class CarrierListenerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("tls")]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task A_slow_handshake_is_cut_off_in_time(string scheme)
    {
        var time = new SignallingTime();
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0", time: time);
        using var slow = await world.ConnectRawAsync();
        Assert.Equal(TimeSpan.FromSeconds(10), await time.TimerSetAsync());
        time.Advance(TimeSpan.FromSeconds(9.9));
        var reading = CarrierWorld.ReadAllAsync(slow);

        // Others come in meanwhile.
        await world.ConnectAsync();
        Assert.False(reading.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal("", await reading);
        Assert.Equal(0, world.CountAccepted());
        await Until.TrueAsync(() => world.Refused.SequenceEqual(["its handshake took too long"]));
    }

    [Fact]
    public async Task A_handshake_that_is_done_is_not_cut_off()
    {
        var time = new SignallingTime();
        await using var world = CarrierWorld.Open("wss://127.0.0.1:0", time: time);
        var (device, relay) = await world.ConnectAsync();
        time.Advance(TimeSpan.FromMinutes(1));
        await device.Stream.WriteAsync(new byte[] { 1 }, Token);
        Assert.Equal(1, await relay.Stream.ReadAsync(new byte[10], Token));
    }

    [Fact]
    public async Task A_peer_that_stays_after_its_answer_is_let_go_in_time()
    {
        var time = new SignallingTime();
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0", time: time);
        using var socket = await world.ConnectRawAsync();
        await time.TimerSetAsync();
        await socket.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray(), Token);
        Assert.StartsWith("HTTP/1.1 200 OK", await CarrierWorld.ReadAllAsync(socket), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(2), await time.TimerSetAsync());
        Assert.Equal(1, world.Listener.HandshakeCount);
        time.Advance(TimeSpan.FromSeconds(2));
        await Until.TrueAsync(() => world.Listener.HandshakeCount == 0);
        Assert.Equal(["its handshake failed"], world.Refused);
    }

    [Fact]
    public async Task Beyond_the_limit_the_oldest_handshake_has_to_go()
    {
        var time = new SignallingTime();
        await using var world = CarrierWorld.Open("wss://127.0.0.1:0", time: time, pending: new WaitingRoom(() => (2, 10)));
        using var first = await world.ConnectRawAsync();
        using var second = await world.ConnectRawAsync();
        await time.TimerSetAsync();
        await time.TimerSetAsync();
        await world.ConnectAsync();
        Assert.Equal("", await CarrierWorld.ReadAllAsync(first));
        await Until.TrueAsync(() => world.Listener.HandshakeCount == 1);
        Assert.Equal(["too many that have shown no token at once"], world.Refused);
    }

    [Fact]
    public async Task Handshakes_under_way_end_with_their_listener()
    {
        // A port that nobody else comes by when it is closed.
        await using var world = CarrierWorld.Open($"wss://127.0.0.1:{FreePort.Take()}");
        using var slow = await world.ConnectRawAsync();
        await Until.TrueAsync(() => world.Listener.HandshakeCount == 1);
        await world.StopListeningAsync();
        Assert.Equal(0, world.Listener.HandshakeCount);
        await Assert.ThrowsAsync<CarrierException>(() => world.DialAsync());
    }

    [Fact]
    public async Task A_listener_that_never_ran_closes_its_port()
    {
        var ledger = new ResourceLedger();
        var listener = CarrierListener.Open(CarrierUri.Parse("tcp://127.0.0.1:0"), new ListenOptions(), _ => { }, CarrierWorld.Anyone, ledger, TimeProvider.System);
        Assert.NotEqual(0, listener.Uri.Port);
        Assert.Throws<SocketException>(() => CarrierListener.Open(listener.Uri, new ListenOptions(), _ => { }, CarrierWorld.Anyone, ledger, TimeProvider.System));
        await listener.DisposeAsync();
        Assert.True(ledger.IsEmpty, $"{ledger}");
    }

    [Fact]
    public void Options_that_cannot_be_met_are_told()
    {
        Assert.Contains("certificate", Refuse<ArgumentException>("tls://127.0.0.1:0", new ListenOptions()), StringComparison.Ordinal);
        Assert.Contains("certificate", Refuse<ArgumentException>("wss://127.0.0.1:0", new ListenOptions()), StringComparison.Ordinal);
        Assert.Contains("thumbprint", Refuse<ArgumentException>("tls://127.0.0.1:0", new ListenOptions { Certificate = TestCertificate.Relay, ClientThumbprint = ["12"] }), StringComparison.Ordinal);
        Assert.Contains("Only tls and wss", Refuse<ArgumentException>("tcp://127.0.0.1:0", new ListenOptions { RequireClientCertificate = true }), StringComparison.Ordinal);
        Assert.Contains("query", Refuse<ArgumentException>("ws://127.0.0.1:0/?access_token=secret", new ListenOptions()), StringComparison.Ordinal);
        Assert.Contains("relay.example", Refuse<FormatException>("ws://relay.example:0", new ListenOptions()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_file_is_for_its_user_alone_and_goes_with_its_listener()
    {
        var path = CarrierWorld.NewSocketPath();
        await using var world = CarrierWorld.Open($"unix://{path}");
        var (device, _) = await world.ConnectAsync();
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }

        await device.DisposeAsync();
        Assert.True(File.Exists(path));
        await world.StopListeningAsync();
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task A_socket_file_in_use_is_left_alone()
    {
        var path = CarrierWorld.NewSocketPath();
        await using var world = CarrierWorld.Open($"unix://{path}");
        var error = Assert.Throws<SocketException>(() => CarrierWorld.Open($"unix://{path}"));
        Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
        await world.ConnectAsync();
    }

    [Fact]
    public async Task A_socket_file_that_was_left_behind_makes_room()
    {
        var path = CarrierWorld.NewSocketPath();
        var elsewhere = $"{path}.old";
        using (var dead = UnixSocket.Listen(path))
        {
            // Moved away and back, so that its end does not delete it.
            File.Move(path, elsewhere);
        }

        File.Move(elsewhere, path);
        await using var world = CarrierWorld.Open($"unix://{path}");
        await world.ConnectAsync();
    }

    [Fact]
    public void A_file_that_is_no_socket_is_left_alone()
    {
        var path = CarrierWorld.NewSocketPath();
        File.WriteAllText(path, "precious");
        var error = Assert.Throws<SocketException>(() => CarrierWorld.Open($"unix://{path}"));
        Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
        Assert.Equal("precious", File.ReadAllText(path));
    }

    private static string Refuse<T>(string uri, ListenOptions options)
        where T : Exception
    {
        var ledger = new ResourceLedger();
        var error = Assert.Throws<T>(() => CarrierListener.Open(CarrierUri.Parse(uri), options, _ => { }, CarrierWorld.Anyone, ledger, TimeProvider.System));
        Assert.True(ledger.IsEmpty, $"{ledger}");
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        return error.Message;
    }
}
