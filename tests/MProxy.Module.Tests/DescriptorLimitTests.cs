using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace MProxy.Module.Tests;

/// <summary>More clients come than a relay, or a device, has descriptors for.</summary>
[Collection("engine")]
public sealed class DescriptorLimitTests(ITestOutputHelper output)
{
    private const int Spare = 60;

    // The last 32 are kept, and those who were there before are 10.
    private const int Least = Spare - 32;
    private const int Most = Spare + 10;

    private const int Crowd = 300;

    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(3);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_descriptors_those_who_are_there_are_served_and_all_is_well_again_when_the_crowd_goes(bool ofRelay)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/prlimit"), "prlimit is not installed.");
        using var service = new EchoService();
        await using var relay = await ShellChild.StartAsync();
        await using var device = await ShellChild.StartAsync();
        var listen = await relay.AskAsync("$relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -WarningAction SilentlyContinue; $relay.Listen[0]");
        var port = await relay.CountAsync("$relay.TcpPort[0]");
        await device.AskAsync($"$tunnel = Start-MProxyTunnel {listen} -Service tcp=127.0.0.1:{service.Port}; $tunnel.LinkState");
        var lines = new List<Socket>();
        for (var number = 0; number < 10; number++)
        {
            lines.Add(await EchoService.ConnectAsync(port));
            Assert.True(await EchoService.TryAskAsync(lines[number], 1));
        }

        var poor = ofRelay ? relay : device;
        var before = poor.DescriptorCount;
        await poor.LimitDescriptorsAsync(before + Spare);
        var crowd = new List<Socket>();
        for (var number = 0; number < Crowd; number++)
        {
            // One that cannot be served may be told so before it sees that it is connected.
            if (await EchoService.TryConnectAsync(port) is { } client)
            {
                crowd.Add(client);
            }
        }

        // At a device those who cannot be served are told so, and not only when the link is next asked for a sign of life: nobody has ended here before.
        var came = Stopwatch.GetTimestamp();
        await relay.UntilAsync($"$relay.ClientCount -ge {Least}");
        await relay.UntilAsync($"$relay.ClientCount -le {Most}");
        var told = Stopwatch.GetElapsedTime(came);
        Assert.InRange(told.TotalSeconds, 0, 12);

        // Nobody says anything meanwhile: what it does is what it does about the crowd.
        var (processor, since) = (poor.ProcessorTime, Stopwatch.GetTimestamp());
        await Task.Delay(Watched, TestContext.Current.CancellationToken);
        var busy = (poor.ProcessorTime - processor) / Stopwatch.GetElapsedTime(since);
        var slowest = TimeSpan.Zero;
        for (byte word = 1; word <= 20; word++)
        {
            foreach (var line in lines)
            {
                var asked = Stopwatch.GetTimestamp();
                Assert.True(await EchoService.TryAskAsync(line, word));
                slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, Stopwatch.GetElapsedTime(asked).Ticks));
            }
        }

        var clients = await relay.AskAsync("$relay.ClientCount");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(ofRelay ? "relay" : "device")}: {before} descriptors, {poor.DescriptorCount} of {before + Spare} with a crowd of {Crowd}, {clients} clients, the others told within {told.TotalMilliseconds:0} ms; {busy:0.000} of a processor; slowest answer {slowest.TotalMilliseconds:0} ms"));
        Assert.InRange(busy, 0, 0.5);
        Assert.Equal("1", await relay.AskAsync("$relay.LinkCount"));
        Assert.Equal("Connected", await device.AskAsync("$tunnel.LinkState"));

        // The crowd leaves, and everybody is served again, those first of all who never left.
        crowd.ForEach(client => client.Close(0));
        await relay.UntilAsync("$relay.ClientCount -eq 10");
        await device.UntilAsync("$tunnel.ClientCount -eq 10");
        for (var number = 0; number < 40; number++)
        {
            Assert.True(await EchoService.TryAskAsync(port), $"Client {number} behind the crowd is not served.");
        }

        Assert.All(await Task.WhenAll(lines.Select(line => EchoService.TryAskAsync(line, 99))), Assert.True);
        lines.ForEach(line => line.Dispose());
        await relay.UntilAsync("$relay.ClientCount -eq 0");
        Assert.InRange(poor.DescriptorCount, 1, before + 10);

        // The link was never another one, and the end is one in order.
        Assert.Equal("0", await device.AskAsync("@($tunnel | Receive-Job -Keep | Where-Object Kind -eq LinkLost).Count"));

        // A service is told of once, and again where a client got through meanwhile: never for each of the crowd.
        Assert.InRange(await device.CountAsync("@($tunnel | Receive-Job -Keep | Where-Object Kind -eq ServiceFailed).Count"), ofRelay ? 0 : 1, ofRelay ? 0 : 10);
        Assert.Equal(0, await device.EndAsync());
        Assert.Equal(0, await relay.EndAsync());
    }
}
