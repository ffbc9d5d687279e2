using MProxy.Engine.Link;
using MProxy.Engine.Relay;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>A token ends when the clock says so, also where that was changed, or stood still for a timer.</summary>
public sealed class TokenClockTests : IAsyncDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly SteppedTime _time = new(MemoryWorld.Start);
    private readonly int _port = FreePort.Take();
    private readonly RawPeer _device = new();
    private readonly MemoryWorld _world;

    public TokenClockTests()
    {
        // Nobody asks for a sign of life meanwhile, which the time that passes at once here would not leave time to give.
        var patient = new LinkOptions { ProbeAfter = TimeSpan.FromHours(10) };
        _world = new MemoryWorld(options => options with { TcpPort = [], Keys = [MemoryWorld.Key], GrantedPort = [_port], Link = patient }, _time);
    }

    [Fact]
    public async Task One_that_has_expired_gets_no_new_client_though_its_timer_is_late()
    {
        await ConnectAsync();
        _time.Step(Lifetime);
        await MemoryWorld.IsResetAsync(_port).WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        Assert.Equal(1, _world.Relay.RefusedCount);
        await HearsNothingAsync();

        // It is told, and its port closes, a minute later at most.
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Contains(ErrorCode.TokenExpired, await _device.ReadAsync(), StringComparison.Ordinal);
        Assert.Equal("Control [2,\"grant\",[]]", await _device.ReadAsync());
        await MemoryWorld.IsRefusedAsync(_port);
    }

    [Fact]
    public async Task A_look_at_the_clock_while_it_holds_is_not_noticed()
    {
        await ConnectAsync();
        _time.Step(-Lifetime);
        _time.Advance(Lifetime);
        await HearsNothingAsync();
        using var client = await MemoryWorld.ConnectAsync(_port);
        Assert.Equal("Connection", await _device.ReadAsync());
        _time.Advance(Lifetime);
        Assert.Contains(ErrorCode.NotGranted, await _device.ReadAsync(), StringComparison.Ordinal);
        Assert.EndsWith(",\"ping\"]", await _device.ReadAsync(), StringComparison.Ordinal);
        Assert.Contains(ErrorCode.TokenExpired, await _device.ReadAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    public async Task Who_shows_no_token_has_its_time_and_no_more_however_the_clock_is_changed(int hours)
    {
        _world.Relay.AcceptLink(_device.ToCarrier(_time));
        Assert.StartsWith("Control [1,\"hello\"", await _device.ReadAsync(), StringComparison.Ordinal);
        await _device.SayAsync("[-1,null]");
        _time.Step(TimeSpan.FromHours(hours));
        _time.Advance(TimeSpan.FromSeconds(9.9));
        await HearsNothingAsync();
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Contains("No valid token came within 10 s.", await _device.ReadAsync(), StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _device.Dispose();
    }

    /// <summary>A device whose token has been accepted.</summary>
    private async Task ConnectAsync()
    {
        _world.Relay.AcceptLink(_device.ToCarrier(_time));
        Assert.StartsWith("Control [1,\"hello\"", await _device.ReadAsync(), StringComparison.Ordinal);
        await _device.SayAsync("[-1,null]");
        await _device.SayAsync($"[5,\"add_token\",\"{_world.NewToken([_port], expiresIn: Lifetime)}\"]");
        Assert.StartsWith("Control [2,\"grant\"", await _device.ReadAsync(), StringComparison.Ordinal);
        Assert.Equal("Control [-5,null]", await _device.ReadAsync());
    }

    /// <summary>The answer to a ping is the next that comes.</summary>
    private async Task HearsNothingAsync()
    {
        await _device.SayAsync("[6,\"ping\"]");
        Assert.Equal("Control [-6,null]", await _device.ReadAsync());
    }
}
