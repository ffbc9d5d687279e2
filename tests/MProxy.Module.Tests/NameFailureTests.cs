using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MProxy.Module.Tests;

/// <summary>Names that a device cannot resolve, by a name server that it alone has.</summary>
[Collection("engine")]
public sealed class NameFailureTests(ITestOutputHelper output) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-names");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_relay_whose_name_is_unknown_is_told_of_in_one_clear_error_and_found_again_when_the_name_is()
    {
        using var names = Resolver();
        using var service = new EchoService();
        await using var relay = await ShellChild.StartAsync();
        await using var device = await StartAsync(names);
        var port = new Uri(await relay.AskAsync($"{StartRelay("tcp://127.0.0.1:0")}; $relay.Listen[0]")).Port;
        var start = $"$tunnel = Start-MProxyTunnel tcp://relay.mproxy.test:{port} -Service tcp=127.0.0.1:{service.Port} -MaxRetryDelay 1 -ConnectTimeout 2";
        names.Be(FakeResolver.Mood.KnowsNothing);
        var told = await device.AskAsync($"try {{ {start} -ErrorAction Stop; 'it started' }} catch {{ $_.Exception.Message }}");
        output.WriteLine(told);
        Assert.Contains("relay.mproxy.test", told, StringComparison.Ordinal);
        Assert.Contains("the name cannot be resolved", told, StringComparison.Ordinal);

        names.Be(FakeResolver.Mood.Knows);
        Assert.Equal("Connected", await device.AskAsync($"{start}; $tunnel.LinkState"));

        // The relay is started anew while its name is gone, then while its name server is silent.
        foreach (var mood in new[] { FakeResolver.Mood.KnowsNothing, FakeResolver.Mood.SaysNothing })
        {
            names.Be(mood);
            await device.AskAsync("$null = $tunnel | Receive-Job; 1");
            await relay.AskAsync("$relay | Stop-MProxyRelay -DrainTimeout 0; 1");
            var client = await relay.CountAsync($"{StartRelay($"tcp://127.0.0.1:{port}")}; $relay.TcpPort[0]");

            // The first is the link that was lost, the next the name.
            await device.UntilAsync("@($tunnel | Receive-Job -Keep | Where-Object Kind -eq LinkLost).Count -ge 2");
            Assert.Equal("Reconnecting", await device.AskAsync("$tunnel.LinkState"));
            var why = await device.AskAsync("@($tunnel | Receive-Job -Keep | Where-Object Kind -eq LinkLost)[1].Message");
            output.WriteLine($"{mood}: {why}");
            Assert.Contains(mood == FakeResolver.Mood.KnowsNothing ? "the name cannot be resolved" : "2 s", why, StringComparison.Ordinal);
            names.Be(FakeResolver.Mood.Knows);
            await device.UntilAsync("$tunnel.LinkState -eq 'Connected'");
            await relay.UntilAsync("$relay.LinkCount -eq 1");
            Assert.True(await EchoService.TryAskAsync(client));
        }
    }

    [Fact]
    public async Task One_name_that_leads_to_many_relays_has_a_link_to_each_and_new_ones_are_found()
    {
        using var names = Resolver();
        using var service = new EchoService();
        await using var relays = await ShellChild.StartAsync();
        await using var device = await StartAsync(names);
        var port = new Uri(await relays.AskAsync("$one = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -WarningAction SilentlyContinue; $one.Listen[0]")).Port;
        await relays.AskAsync($"$two = Start-MProxyRelay -Listen tcp://127.0.0.2:{port} -TcpPort 0 -WarningAction SilentlyContinue; 1");
        names.Hosts = [1, 2];
        Assert.Equal("Connected", await device.AskAsync($"$tunnel = Start-MProxyTunnel tcp://relays.mproxy.test:{port} -Service '*=127.0.0.1:{service.Port}' -LinkCount 3 -MaxRetryDelay 0.2; $tunnel.LinkState"));
        await relays.UntilAsync("$one.LinkCount -eq 1 -and $two.LinkCount -eq 1");
        await device.UntilAsync("@($tunnel.Links.State | Where-Object { $_ -eq 'Connected' }).Count -eq 2 -and @($tunnel.Links.State) -contains 'Waiting'");
        var ends = (await device.AskAsync("$tunnel.Links.RemoteEndPoint -join ' '")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([$"127.0.0.1:{port}", $"127.0.0.2:{port}"], ends.Order());
        Assert.Equal($"tcp://relays.mproxy.test:{port}", await device.AskAsync("$tunnel.Location"));
        foreach (var relay in new[] { "one", "two" })
        {
            Assert.True(await EchoService.TryAskAsync(await relays.CountAsync($"${relay}.TcpPort[0]")));
        }

        // One is taken out and another comes: whoever lost its link finds that by the name.
        await relays.AskAsync($"$three = Start-MProxyRelay -Listen tcp://127.0.0.3:{port} -TcpPort 0 -WarningAction SilentlyContinue; 1");
        names.Hosts = [2, 3];
        await relays.AskAsync("$one | Stop-MProxyRelay -DrainTimeout 0; 1");
        await relays.UntilAsync("$two.LinkCount -eq 1 -and $three.LinkCount -eq 1");
        Assert.True(await EchoService.TryAskAsync(await relays.CountAsync("$three.TcpPort[0]")));
        Assert.Equal("", await device.AskAsync("$tunnel | Stop-MProxyTunnel; $tunnel.Links.State | Where-Object { $_ -ne 'Stopped' }"));
    }

    [Fact]
    public async Task Links_by_one_name_want_a_name_and_no_proxy()
    {
        await using var shell = await ShellChild.StartAsync();
        foreach (var (start, error) in new[]
        {
            ("tcp://127.0.0.1:1 -LinkCount 2", "InvalidOption"),
            ("wss://relay.mproxy.test -LinkCount 2 -Proxy http://127.0.0.1:1", "InvalidOption"),
            ("tcp://relay.mproxy.test:1 -LinkCount 17", "ParameterArgumentValidationError"),
        })
        {
            var told = await shell.AskAsync($"try {{ $null = Start-MProxyTunnel {start} -Service tcp=127.0.0.1:1 -ErrorAction Stop; 'it started' }} catch {{ $_.FullyQualifiedErrorId }}");
            Assert.StartsWith(error, told, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_service_whose_name_is_unknown_or_slow_to_come_costs_its_own_clients_alone()
    {
        using var names = Resolver();
        using var service = new EchoService();
        await using var device = await StartAsync(names);
        var listen = await device.AskAsync($"{StartRelay("tcp://127.0.0.1:0")}; $relay.Listen[0]");
        var named = await device.CountAsync("$relay.TcpPort[0]");
        var other = await device.CountAsync("$relay.TcpPort[1]");
        await device.AskAsync($"$tunnel = Start-MProxyTunnel {listen} -Service '{named}=service.mproxy.test:{service.Port}', '{other}=127.0.0.1:{service.Port}' -DialTimeout 2; 1");
        Assert.True(await EchoService.TryAskAsync(named));
        var quiet = await SlowestAsync(other, 50);
        foreach (var mood in new[] { FakeResolver.Mood.KnowsNothing, FakeResolver.Mood.SaysNothing })
        {
            names.Be(mood);
            await device.AskAsync("$null = $tunnel | Receive-Job; 1");
            var since = Stopwatch.GetTimestamp();
            var crowd = Task.WhenAll(Enumerable.Range(0, 40).Select(async _ =>
            {
                Assert.False(await EchoService.TryAskAsync(named));
                return Stopwatch.GetElapsedTime(since);
            }));
            var beside = await SlowestAsync(other, 50);
            var ends = await crowd;
            await device.UntilAsync("@($tunnel | Receive-Job -Keep | Where-Object Kind -eq ServiceFailed).Count -ge 1");
            var told = await device.AskAsync("($tunnel | Receive-Job | Where-Object Kind -eq ServiceFailed | ForEach-Object Message) -join ' | '");
            output.WriteLine($"{mood}: 40 clients told within {ends.Max().TotalMilliseconds:0} ms; slowest of 50 others {beside.TotalMilliseconds:0} ms, {quiet.TotalMilliseconds:0} before. {told}");

            // The system asks for five seconds for each of four forms of the name; a dial waits for two.
            Assert.InRange(ends.Max().TotalSeconds, 0, 9);
            Assert.InRange(beside.TotalSeconds, 0, 5);
            Assert.StartsWith("The local service service.mproxy.test", told, StringComparison.Ordinal);
            Assert.DoesNotContain(" | ", told, StringComparison.Ordinal);
            Assert.Equal("Connected", await device.AskAsync("$tunnel.LinkState"));

            // As soon as the name is there; what the system still waits for it asks again by itself.
            names.Be(FakeResolver.Mood.Knows);
            since = Stopwatch.GetTimestamp();
            while (!await EchoService.TryAskAsync(named))
            {
                Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(20), "The service is not found again.");
            }

            output.WriteLine($"Found again behind {Stopwatch.GetElapsedTime(since).TotalMilliseconds:0} ms.");
        }
    }

    [Fact]
    public async Task A_service_of_datagrams_is_found_again_as_soon_as_its_name_is()
    {
        using var names = Resolver();
        using var service = new EchoService();
        using var datagrams = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        _ = EchoAsync(datagrams);
        await using var device = await StartAsync(names);
        var listen = await device.AskAsync("$relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -UdpPort 0 -WarningAction SilentlyContinue; $relay.Listen[0]");
        var named = await device.CountAsync("$relay.UdpPort[0]");
        var other = await device.CountAsync("$relay.TcpPort[0]");
        var target = ((IPEndPoint)datagrams.Client.LocalEndPoint!).Port;
        await device.AskAsync($"$tunnel = Start-MProxyTunnel {listen} -Service '{named}=udp://service.mproxy.test:{target}', '{other}=127.0.0.1:{service.Port}' -DialTimeout 2; 1");
        await UntilAnsweredAsync(named);
        foreach (var mood in new[] { FakeResolver.Mood.KnowsNothing, FakeResolver.Mood.SaysNothing })
        {
            names.Be(mood);
            await device.AskAsync("$null = $tunnel | Receive-Job; 1");
            var since = Stopwatch.GetTimestamp();
            using var client = NewDatagramClient(named);
            for (var number = 0; number < 100; number++)
            {
                await client.SendAsync(new byte[1000], Token);
            }

            var beside = await SlowestAsync(other, 50);
            await device.UntilAsync("@($tunnel | Receive-Job -Keep | Where-Object Kind -eq ServiceFailed).Count -eq 1");
            var told = Stopwatch.GetElapsedTime(since);
            var why = await device.AskAsync("($tunnel | Receive-Job | Where-Object Kind -eq ServiceFailed).Message");
            output.WriteLine($"{mood}: told after {told.TotalMilliseconds:0} ms, slowest of 50 others {beside.TotalMilliseconds:0} ms. {why}");
            Assert.StartsWith("The local service udp://service.mproxy.test", why, StringComparison.Ordinal);
            Assert.InRange(told.TotalSeconds, mood == FakeResolver.Mood.SaysNothing ? 1.5 : 0, 9);
            Assert.InRange(beside.TotalSeconds, 0, 5);
            names.Be(FakeResolver.Mood.Knows);
            since = Stopwatch.GetTimestamp();
            await UntilAnsweredAsync(named);
            output.WriteLine($"Found again behind {Stopwatch.GetElapsedTime(since).TotalMilliseconds:0} ms.");
        }
    }

    /// <summary>Asks again and again, as clients of datagrams do.</summary>
    private static async Task UntilAnsweredAsync(int port)
    {
        var since = Stopwatch.GetTimestamp();
        using var client = NewDatagramClient(port);
        var answer = client.ReceiveAsync(Token).AsTask();
        while (!answer.IsCompleted)
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(20), "The service is not found.");
            await client.SendAsync(new byte[] { 1 }, Token);
            await Task.WhenAny(answer, Task.Delay(TimeSpan.FromMilliseconds(50), Token));
        }

        await answer;
    }

    private static UdpClient NewDatagramClient(int port)
    {
        var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        client.Connect(IPAddress.Loopback, port);
        return client;
    }

    private static async Task EchoAsync(UdpClient service)
    {
        try
        {
            for (; ; )
            {
                var asked = await service.ReceiveAsync();
                await service.SendAsync(asked.Buffer, asked.RemoteEndPoint);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Its test is over.
        }
    }

    /// <summary>Of so many clients one after the other.</summary>
    private static async Task<TimeSpan> SlowestAsync(int port, int count)
    {
        var slowest = TimeSpan.Zero;
        for (var number = 0; number < count; number++)
        {
            var since = Stopwatch.GetTimestamp();
            Assert.True(await EchoService.TryAskAsync(port));
            var took = Stopwatch.GetElapsedTime(since);
            slowest = took > slowest ? took : slowest;
        }

        return slowest;
    }

    private static string StartRelay(string listen) => $"$relay = Start-MProxyRelay -Listen {listen} -TcpPort 0, 0 -WarningAction SilentlyContinue";

    private static FakeResolver Resolver()
    {
        var names = FakeResolver.TryStart();
        Assert.SkipWhen(names is null, "This user may not have the port of DNS.");
        return names;
    }

    /// <summary>A Shell that asks this name server, once and for five seconds, as systems do.</summary>
    private async Task<ShellChild> StartAsync(FakeResolver names)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "resolv.conf"), $"nameserver {names.Address}\noptions timeout:5 attempts:1\n", Token);
        return await ShellChild.StartAsync($"mount --bind {_folder.FullName}/resolv.conf /etc/resolv.conf");
    }
}
