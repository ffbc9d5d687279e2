using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Datagrams;

public sealed class DnsPortTests
{
    private static CancellationToken Token => DatagramWorld.Token;

    [Fact]
    public async Task What_is_no_question_is_dropped_without_an_answer()
    {
        await using var world = await DatagramWorld.StartAsync();
        using var client = DatagramWorld.NewClient(world.Dns);
        await client.SendAsync(new byte[] { 1, 2, 3 }, Token);
        await client.SendAsync(DnsMessages.Answer(DnsMessages.Query("a.example"), 60), Token);
        await client.SendAsync(DnsMessages.Query("a.example", questions: 2), Token);
        await Until.TrueAsync(() => world.Relay.LimitedBy.GetValueOrDefault("datagrams without a DNS question") == 3);
        Assert.Equal((0, 0), (client.Available, world.Relay.ClientCount));
    }

    [Fact]
    public async Task A_second_name_from_one_source_to_one_device_is_told_to_come_over_tcp()
    {
        await using var world = await DatagramWorld.StartAsync(answer: _ => []);
        using var client = DatagramWorld.NewClient(world.Dns);
        await client.SendAsync(DnsMessages.Query("a.example"), Token);
        await Until.TrueAsync(() => world.Asked.Count == 1);
        var answer = await DatagramWorld.AskAsync(client, DnsMessages.Query("b.example", id: 7));
        Assert.Equal([0, 7, 0x83, 0], answer[..4]);
        Assert.Equal(1, world.Relay.DuplicateCount);
    }

    [Fact]
    public async Task A_question_that_is_answered_is_over_and_its_source_may_ask_for_another_name()
    {
        await using var world = await DatagramWorld.StartAsync();
        using var client = DatagramWorld.NewClient(world.Dns);
        foreach (var name in new[] { "a.example", "b.example", "b.example", "a.example" })
        {
            var question = DnsMessages.Query(name);
            Assert.Equal(question, await DatagramWorld.AskAsync(client, question));
            await Until.TrueAsync(() => world.Relay.ClientCount == 0 && world.Relay.Admission.Count == 0);
        }

        Assert.Equal(0, world.Relay.DuplicateCount);
    }

    [Fact]
    public async Task A_name_that_gets_no_new_clients_is_refused_like_one_that_nobody_serves()
    {
        await using var world = await DatagramWorld.StartAsync();
        Assert.True(world.Relay.DrainName("a.example"));
        using var client = DatagramWorld.NewClient(world.Dns);
        var answer = await DatagramWorld.AskAsync(client, DnsMessages.Query("www.b.example", id: 7));
        Assert.Equal(DnsMessages.Query("www.b.example", id: 7), answer);
        answer = await DatagramWorld.AskAsync(client, DnsMessages.Query("a.example", id: 8));
        Assert.Equal([0, 8, 0x81, 5], answer[..4]);
        Assert.Equal(1, world.Relay.RefusedBy["its name is being drained"]);
    }

    [Fact]
    public async Task One_source_reaches_two_devices_by_two_names()
    {
        await using var world = new FrontWorld();
        using var one = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        using var two = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        await world.AddDeviceAsync($"dns://{one.Client.LocalEndPoint}", "a.example");
        await world.AddDeviceAsync($"dns://{two.Client.LocalEndPoint}", "b.example");
        using var client = DatagramWorld.NewClient(new IPEndPoint(IPAddress.Loopback, world.Dns));
        await client.SendAsync(DnsMessages.Query("x.a.example"), Token);
        await client.SendAsync(DnsMessages.Query("x.b.example"), Token);
        Assert.Equal(DnsMessages.Query("x.a.example"), await DatagramWorld.ReceiveAsync(one));
        Assert.Equal(DnsMessages.Query("x.b.example"), await DatagramWorld.ReceiveAsync(two));
    }

    [Fact]
    public async Task A_question_for_another_name_ends_a_connection_behind_the_answers_that_are_due()
    {
        await using var world = new FrontWorld();
        var service = world.AddService(async socket =>
        {
            // Answers what was asked, once the client says no more.
            await LocalService.SendAllAsync(socket, await LocalService.ReadAllAsync(socket), 1 << 20);
            socket.Shutdown(SocketShutdown.Send);
        });
        await world.AddDeviceAsync($"dns://{service.Target}", "a.example", "b.example");
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", world.Dns, Token);
        var allowed = DnsMessages.Framed(DnsMessages.Query("a.example"), DnsMessages.Query("A.example", type: 28));
        byte[] sent = [.. allowed, .. DnsMessages.Framed(DnsMessages.Query("b.example"))];
        await LocalService.SendAllAsync(client, sent, 7);
        Assert.Equal(allowed, await LocalService.ReadAllAsync(client));
    }

    [Fact]
    public async Task A_slow_question_over_tcp_is_waited_for_and_a_wrong_one_is_cut()
    {
        await using var world = new FrontWorld();
        var service = world.AddService(async socket => await LocalService.SendAllAsync(socket, await LocalService.ReadAllAsync(socket), 1 << 20));
        await world.AddDeviceAsync($"dns://{service.Target}", "a.example");
        using (var slow = await TcpSocket.ConnectAsync("127.0.0.1", world.Dns, Token))
        {
            var question = DnsMessages.Framed(DnsMessages.Query("a.example"));
            await LocalService.SendAllAsync(slow, question, 1);
            slow.Shutdown(SocketShutdown.Send);
            Assert.Equal(question, await LocalService.ReadAllAsync(slow));
        }

        using var wrong = await TcpSocket.ConnectAsync("127.0.0.1", world.Dns, Token);
        await LocalService.SendAllAsync(wrong, DnsMessages.Framed(DnsMessages.Query("a.example", questions: 3)), 100);
        await Assert.ThrowsAsync<SocketException>(() => LocalService.ReadAllAsync(wrong));
        Assert.Equal(1, world.Relay.RefusedBy["its DNS message asks no question"]);
    }
}
