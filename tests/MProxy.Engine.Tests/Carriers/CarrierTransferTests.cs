using System.Net;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Carriers;

public class CarrierTransferTests
{
    private const int Length = 4 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("tcp://127.0.0.1:0")]
    [InlineData("tcp://[::1]:0")]
    [InlineData("tls://127.0.0.1:0")]
    [InlineData("tls://[::1]:0")]
    [InlineData("ws://127.0.0.1:0")]
    [InlineData("ws://[::1]:0")]
    [InlineData("wss://127.0.0.1:0")]
    [InlineData("wss://[::1]:0")]
    [InlineData("unix")]
    public async Task Four_megabytes_go_both_ways_at_once(string uri)
    {
        await using var world = CarrierWorld.Open(uri == "unix" ? $"unix://{CarrierWorld.NewSocketPath()}" : uri);
        var (device, relay) = await world.ConnectAsync();
        var up = RandomNumberGenerator.GetBytes(Length);
        var down = RandomNumberGenerator.GetBytes(Length);
        var received = await Task.WhenAll(
            Task.Run(() => ReceiveAsync(relay), Token),
            Task.Run(() => ReceiveAsync(device), Token),
            Task.Run(() => SendAsync(device, up), Token),
            Task.Run(() => SendAsync(relay, down), Token));
        Assert.Equal(SHA256.HashData(up), received[0]);
        Assert.Equal(SHA256.HashData(down), received[1]);

        await device.DisposeAsync();
        Assert.Equal(0, await relay.Stream.ReadAsync(new byte[1], Token));
        Assert.True(world.Device.IsEmpty, $"{world.Device}");
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("tls")]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task The_end_of_the_relay_is_the_end_of_the_stream_at_the_device(string scheme)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var (device, relay) = await world.ConnectAsync();
        await relay.Stream.WriteAsync(new byte[] { 1, 2, 3 }, Token);
        await relay.DisposeAsync();
        var buffer = new byte[10];
        Assert.Equal(3, await device.Stream.ReadAtLeastAsync(buffer, 10, throwOnEndOfStream: false, Token));
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("tls")]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task A_carrier_that_is_disposed_of_ends_its_own_read_and_write(string scheme)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var (device, _) = await world.ConnectAsync();
        var reading = device.Stream.ReadAsync(new byte[10], Token).AsTask();
        var writing = Task.Run(() => SendAsync(device, new byte[64 << 20]), Token);
        await device.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
        await device.DisposeAsync();
        foreach (var task in new Task[] { reading, writing })
        {
            var error = await Record.ExceptionAsync(() => task.WaitAsync(TimeSpan.FromSeconds(20), Token));
            Assert.True(error is null or IOException or ObjectDisposedException or OperationCanceledException, $"{error}");
        }
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("tls")]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task A_carrier_knows_its_ends_and_its_scheme(string scheme)
    {
        await using var world = CarrierWorld.Open($"{scheme}://127.0.0.1:0");
        var (device, relay) = await world.ConnectAsync();
        Assert.Equal(scheme, device.Scheme);
        Assert.Equal(scheme, relay.Scheme);
        Assert.Equal(world.EndPoint, device.RemoteEndPoint);
        Assert.Equal(world.EndPoint, relay.LocalEndPoint);
        Assert.Equal(device.LocalEndPoint, relay.RemoteEndPoint);
        Assert.Equal(IPAddress.Loopback, ((IPEndPoint)relay.RemoteEndPoint!).Address);
        var isSecure = scheme is "tls" or "wss";
        Assert.Equal(isSecure ? "Tls13" : null, device.TlsProtocol);
        Assert.Equal(isSecure ? "Tls13" : null, relay.TlsProtocol);
        Assert.Equal(isSecure ? CertificatePins.Sha256(TestCertificate.Relay) : null, device.PeerThumbprint);
        Assert.Null(relay.PeerThumbprint);
    }

    [Fact]
    public async Task All_addresses_of_version_six_take_version_four_too()
    {
        await using var world = CarrierWorld.Open("tcp://[::]:0");
        var uri = CarrierUri.Parse($"tcp://127.0.0.1:{world.Listener.Uri.Port}");
        await using var device = await CarrierDialer.DialAsync(uri, CarrierWorld.Direct, world.Device, TimeProvider.System, Token);
        var relay = await world.AcceptedAsync();
        Assert.Equal(device.LocalEndPoint, relay.RemoteEndPoint);
    }

    [Fact]
    public async Task Any_stream_of_a_script_becomes_a_carrier()
    {
        var bytes = new MemoryStream([1, 2, 3]);
        var carrier = Carrier.FromStream(bytes, TimeProvider.System);
        Assert.Equal("stream", carrier.Scheme);
        var buffer = new byte[10];
        Assert.Equal(3, await carrier.Stream.ReadAsync(buffer, Token));
        await carrier.DisposeAsync();
        Assert.False(bytes.CanRead);
    }

    [Fact]
    public async Task A_stream_of_a_script_that_never_closes_does_not_hold_up_its_carrier()
    {
        using var blocked = new BlockingStream();
        await Carrier.FromStream(blocked, TimeProvider.System).DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    private static async Task<byte[]> SendAsync(Carrier carrier, byte[] bytes)
    {
        for (int at = 0, step = 1; at < bytes.Length; at += step)
        {
            step = Math.Min(Math.Max(1, (step * 7) % 100_003), bytes.Length - at);
            await carrier.Stream.WriteAsync(bytes.AsMemory(at, step), Token);
        }

        return [];
    }

    private static async Task<byte[]> ReceiveAsync(Carrier carrier)
    {
        var bytes = new byte[Length];
        await carrier.Stream.ReadExactlyAsync(bytes, Token);
        return SHA256.HashData(bytes);
    }

    private sealed class BlockingStream : MemoryStream
    {
        private readonly ManualResetEventSlim _free = new();
        private bool _isClosed;

        public override void Close()
        {
            // The second time is the test's own.
            if (_isClosed)
            {
                _free.Set();
                return;
            }

            _isClosed = true;
            _free.Wait();
        }
    }
}
