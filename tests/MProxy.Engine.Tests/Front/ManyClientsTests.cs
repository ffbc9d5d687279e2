using System.Globalization;

namespace MProxy.Engine.Tests.Front;

/// <summary>Many clients at once, each of which has to get the answer of the device that it names.</summary>
public class ManyClientsTests(ITestOutputHelper output)
{
    private const int Clients = 2_000;
    private const int Devices = 20;

    // Three seconds are usual.
    private static readonly TimeSpan InTime = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Two_thousand_clients_are_brought_to_twenty_devices()
    {
        var since = TimeProvider.System.GetTimestamp();
        TimeSpan Elapsed() => TimeProvider.System.GetElapsedTime(since);
        await using var world = new FrontWorld(options => options with
        {
            Carrier = new() { HandshakeTimeout = InTime },
            Limits = new() { MaxClientsPerAddress = 2_000, MaxNewClientsPerAddress = 2_000 },
        });
        List<FrontService> services = [];
        for (var i = 0; i < Devices; i++)
        {
            var service = world.AddService(new NamedWeb(NameOf(i)).ServeAsync);
            services.Add(service);
            await world.AddDeviceAsync(service.Target, NameOf(i));
        }

        var clients = new FrontClient[Clients];
        try
        {
            // All are connected, and accepted by the relay, before any says a word.
            await Parallel.ForEachAsync(Enumerable.Range(0, Clients), FrontWorld.Token, async (i, _) => clients[i] = await FrontClient.ConnectAsync(world.Http));
            await Until.TrueAsync(() => world.Relay.Ledger.Loops >= Clients);
            Assert.Equal(0, world.Relay.ClientCount);
            var connected = Elapsed();

            var answers = await Task.WhenAll(clients.Select((client, i) => AskAsync(client, i)));
            Assert.Equal(Enumerable.Range(0, Clients).Select(Expected), answers);
            Assert.Equal(Clients, world.Relay.ClientCount);
            Assert.All(services, service => Assert.Equal(Clients / Devices, service.ClientCount));
            var answered = Elapsed();

            // And again on the connections that are there.
            answers = await Task.WhenAll(clients.Select((client, i) => AskAsync(client, i)));
            Assert.Equal(Enumerable.Range(0, Clients).Select(Expected), answers);
            Assert.Equal(0, world.Relay.RefusedCount);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"connected {connected.TotalSeconds:0.00} s, answered {answered.TotalSeconds:0.00} s, again {Elapsed().TotalSeconds:0.00} s"));
        }
        finally
        {
            foreach (var client in clients)
            {
                client?.Dispose();
            }
        }

        await Until.TrueAsync(() => world.Relay.ClientCount == 0);
        Assert.True(Elapsed() < InTime, $"It took {Elapsed()}.");
    }

    private static string NameOf(int client) => string.Create(CultureInfo.InvariantCulture, $"d{client % Devices}.test");

    private static string Expected(int client) => string.Create(CultureInfo.InvariantCulture, $"{NameOf(client)}: GET {NameOf(client)} /{client}-{client * 7919} 0\n");

    private static async Task<string> AskAsync(FrontClient client, int number)
    {
        await client.SendAsync(string.Create(CultureInfo.InvariantCulture, $"GET /{number}-{number * 7919} HTTP/1.1\r\nHost: {NameOf(number)}\r\n\r\n"));
        return await client.ReadAnswerAsync();
    }
}
