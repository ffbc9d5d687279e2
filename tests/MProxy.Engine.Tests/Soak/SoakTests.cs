using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Access;
using MProxy.Engine.Tests.Datagrams;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Soak;

/// <summary>
/// A relay and its devices under mixed load for a while: nothing is lost, and what the process holds does not grow. Six seconds unless the variable
/// MPROXY_SOAK_SECONDS says otherwise; the figures of a long run are in docs/service.md.
/// </summary>
[Collection("measured")]
public sealed class SoakTests(ITestOutputHelper output) : IDisposable
{
    private const int Samples = 40;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-soak");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Mixed_load_leaves_nothing_behind()
    {
        var seconds = double.Parse(Environment.GetEnvironmentVariable("MPROXY_SOAK_SECONDS") ?? "6", CultureInfo.InvariantCulture);
        var (udpPort, tcpPort) = (FreePort.Take(), FreePort.Take());
        List<SoakSample> samples = [];
        await using (var world = new FrontWorld(options => options with
        {
            GrantedUdpPort = [udpPort],
            GrantedPort = [tcpPort],
            MetricsEndPoint = new IPEndPoint(IPAddress.Loopback, 0),
            AccessLog = new AccessLogOptions { Path = Path.Combine(_folder.FullName, "access.log"), MaxLength = 1 << 20, KeepFiles = 3 },
            Limits = options.Limits with { MaxNewClientsPerAddress = 100_000, MaxNewClientsPerSecond = 100_000, DatagramIdleTimeout = TimeSpan.FromSeconds(2), MaxClientsPerAddress = 10_000 },
        }))
        {
            var service = world.AddService(LocalService.EchoAsync);
            await using var datagrams = new UdpEcho();
            await world.AddDeviceAsync(service.Target, ["soak.example"], [tcpPort]);
            await world.AddDeviceAsync(datagrams.Target, "dns.soak.example");
            await world.AddUdpDeviceAsync(datagrams.Target, udpPort);

            using var stopping = new CancellationTokenSource();
            var load = new SoakLoad(world, udpPort, tcpPort, stopping.Token);
            var running = load.RunAsync();
            var start = TimeProvider.System.GetTimestamp();
            for (var number = 1; number <= Samples && !running.IsCompleted; number++)
            {
                await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(seconds / Samples), TestContext.Current.CancellationToken));
                var sample = SoakSample.Take(TimeProvider.System.GetElapsedTime(start).TotalSeconds, world.Buffers, world.Relay.ClientCount, load.Exchanges);
                samples.Add(sample);
                output.WriteLine($"{sample}");
            }

            await stopping.CancelAsync();
            await running;
            output.WriteLine(string.Join(", ", world.Relay.RefusedBy.Concat(world.Relay.LimitedBy).Select(pair => $"{pair.Key}: {pair.Value}")));
        }

        // The last quarter against the second: the first is for pools that fill.
        Assert.True(Grown(samples, sample => sample.Rest) <= 8 << 20, "The heap has grown.");
        Assert.True(Grown(samples, sample => sample.Buffers) <= 1000, "What waits has grown.");
        Assert.True(Grown(samples, sample => sample.Descriptors) <= 100, "Descriptors have grown.");
        Assert.True(new DirectoryInfo(_folder.FullName).GetFiles().Sum(file => file.Length) <= 4 << 20, "The access log has grown.");
    }

    private static double Grown(List<SoakSample> samples, Func<SoakSample, double> of) =>
        Median(samples[(samples.Count * 3 / 4)..], of) - Median(samples[(samples.Count / 4)..(samples.Count / 2)], of);

    private static double Median(List<SoakSample> samples, Func<SoakSample, double> of) => samples.Select(of).Order().ElementAt(samples.Count / 2);
}
