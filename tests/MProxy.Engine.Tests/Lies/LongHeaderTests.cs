using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Routing;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Lies;

/// <summary>A name so long that the header which tells a device of its client is as long as it may be, or would be longer, through relay and device.</summary>
public sealed class LongHeaderTests
{
    private const string Domain = "long.example";
    private const int AnswerLength = 300_000;

    [Theory]
    [InlineData(254, true)]
    [InlineData(255, true)]
    [InlineData(256, false)]
    [InlineData(257, false)]
    public async Task A_client_is_served_up_to_255_bytes_and_beyond_that_refused_alone(int headerLength, bool isServed)
    {
        await using var world = new FrontWorld();
        var service = world.AddService(AnswerAsync);
        await world.AddDeviceAsync(service.Target, Domain);
        using (var client = await FrontClient.ConnectAsync(world.Http))
        {
            var identity = $"IPv4,{client.EndPoint.Replace(':', ',')}";
            var rest = $"{identity},0,connection,{world.Http},,http".Length;
            var answer = await AskAsync(client, NameOf(headerLength - rest));
            Assert.Equal((isServed, isServed), (answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal), answer.Count(c => c == 'm') == AnswerLength));
        }

        Assert.Equal(isServed ? 0 : 1, world.Relay.RefusedBy.GetValueOrDefault(ClientRefusal.NameTooLong.Reason));

        // The link knows nothing of it.
        using var next = await FrontClient.ConnectAsync(world.Http);
        Assert.Equal(AnswerLength, (await AskAsync(next, Domain)).Count(c => c == 'm'));
        Assert.Equal(isServed ? 2 : 1, service.ClientCount);
    }

    /// <summary>A name of this length below the domain.</summary>
    private static string NameOf(int length)
    {
        var labels = new StringBuilder($".{Domain}");
        while (labels.Length < length)
        {
            var label = Math.Min(50, length - labels.Length);
            labels.Insert(0, new string('n', label));
            if (labels.Length < length - 1)
            {
                labels.Insert(0, '.');
            }
        }

        return labels[0] == '.' ? $"n{labels.ToString(1, labels.Length - 1)}" : labels.ToString();
    }

    private static async Task<string> AskAsync(FrontClient client, string name)
    {
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        return await client.ReadAllAsync();
    }

    /// <summary>An answer in frames of many sizes, whose headers have the name too.</summary>
    private static async Task AnswerAsync(Socket client)
    {
        var buffer = new byte[4096];
        var head = "";
        while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            var count = await client.ReceiveAsync(buffer);
            head += count > 0 ? Encoding.Latin1.GetString(buffer, 0, count) : throw new EndOfStreamException();
        }

        await LocalService.SendAllAsync(client, Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {AnswerLength}\r\n\r\n{new string('m', AnswerLength)}"), 10_000);
        client.Shutdown(SocketShutdown.Send);
    }
}
