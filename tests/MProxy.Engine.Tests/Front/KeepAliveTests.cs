namespace MProxy.Engine.Tests.Front;

/// <summary>A connection that was brought to a device by its first host stays with that host.</summary>
public class KeepAliveTests
{
    private const string Other = "GET /second HTTP/1.1\r\nHost: b.test\r\n\r\n";

    public static TheoryData<string, string> Bodies() => new()
    {
        { "GET /first HTTP/1.1\r\nHost: a.test\r\n\r\n", "a.test: GET a.test /first 0\n" },
        { "POST /first HTTP/1.1\r\nHost: a.test\r\nContent-Length: 45\r\n\r\nGET /body HTTP/1.1\r\nHost: b.test\r\n\r\nthe rest.", "a.test: POST a.test /first 45\n" },
        { "POST /first HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n24\r\nGET /body HTTP/1.1\r\nHost: b.test\r\n\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "a.test: POST a.test /first 39\n" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task The_same_host_is_served_again_and_again(string request, string answer)
    {
        await using var world = new FrontWorld();
        var (web, service) = await world.AddWebAsync("a.test");
        using var client = await FrontClient.ConnectAsync(world.Http);
        for (var round = 0; round < 5; round++)
        {
            await client.SendAsync(round % 2 == 0 ? request : request.Replace("Host: a.test\r\n", "Host: A.Test.:8080\r\n", StringComparison.Ordinal));
            Assert.Equal(round % 2 == 0 ? answer : answer.Replace(" a.test", " A.Test.:8080", StringComparison.Ordinal), await client.ReadAnswerAsync());
        }

        Assert.Equal(5, web.Requests.Count);
        Assert.Equal(1, service.ClientCount);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_request_for_another_host_ends_the_connection_behind_the_answer_before_it(string request, string answer)
    {
        await using var world = new FrontWorld();
        var (first, _) = await world.AddWebAsync("a.test");
        var (second, other) = await world.AddWebAsync("b.test");
        using var client = await FrontClient.ConnectAsync(world.Http);
        await client.SendAsync(request);
        Assert.Equal(answer, await client.ReadAnswerAsync());
        await client.SendAsync(Other);
        Assert.Equal("", await client.ReadAllAsync());
        Assert.Single(first.Requests);
        Assert.Empty(second.Requests);
        Assert.Equal(0, other.ClientCount);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task The_same_holds_where_it_comes_along_with_the_first(string request, string answer)
    {
        await using var world = new FrontWorld();
        var (first, _) = await world.AddWebAsync("a.test");
        var (second, other) = await world.AddWebAsync("b.test");
        foreach (var drip in new[] { false, true })
        {
            using var client = await FrontClient.ConnectAsync(drip ? world.Mixed : world.Http);
            var words = System.Text.Encoding.ASCII.GetBytes(request + request + Other + request);
            await (drip ? client.DripAsync(words) : client.SendAsync(words));
            Assert.Equal(answer, await client.ReadAnswerAsync());
            Assert.Equal(answer, await client.ReadAnswerAsync());
            Assert.Equal("", await client.ReadAllAsync());
        }

        Assert.Equal(4, first.Requests.Count);
        Assert.Empty(second.Requests);
        Assert.Equal(0, other.ClientCount);
    }

    [Theory]
    [InlineData("GET /second HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n")]
    [InlineData("GET /second HTTP/1.1\r\n\r\n")]
    [InlineData("GET http://b.test/second HTTP/1.1\r\nHost: b.test\r\n\r\n")]
    [InlineData("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n")]
    [InlineData("\x16\x03\x01\0\x05hello")]
    public async Task Nor_does_it_go_on_with_what_no_follower_can_read(string second)
    {
        await using var world = new FrontWorld();
        var (web, _) = await world.AddWebAsync("a.test");
        await world.AddWebAsync("b.test");
        using var client = await FrontClient.ConnectAsync(world.Http);
        await client.SendAsync($"GET /first HTTP/1.1\r\nHost: a.test\r\n\r\n{second}");
        Assert.Equal("a.test: GET a.test /first 0\n", await client.ReadAnswerAsync());
        Assert.Equal("", await client.ReadAllAsync());
        Assert.Single(web.Requests);
    }

    [Fact]
    public async Task A_long_answer_is_whole_although_the_next_request_is_for_another_host()
    {
        var answer = new byte[8_000_000];
        Random.Shared.NextBytes(answer);
        await using var world = new FrontWorld();
        var service = world.AddService(async local =>
        {
            var request = new byte["GET / HTTP/1.1\r\nHost: a.test\r\n\r\n".Length];
            await LocalService.ReadExactlyAsync(local, request);
            await LocalService.SendAllAsync(local, answer, 64 << 10);

            // The other side has ended by then, without a byte of the second.
            Assert.Empty(await LocalService.ReadAllAsync(local));
        });
        await world.AddDeviceAsync(service.Target, "a.test");
        using var client = await FrontClient.ConnectAsync(world.Http);
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n{Other}");
        Assert.Equal(answer, await LocalService.ReadAllAsync(client.Socket));
    }

    [Fact]
    public async Task One_that_was_brought_by_its_port_may_name_no_host_at_all()
    {
        await using var world = new FrontWorld();
        var web = new NamedWeb("old");
        var service = world.AddService(web.ServeAsync);
        await world.AddDeviceAsync(service.Target, [], [world.Http]);
        using var client = await FrontClient.ConnectAsync(world.Http);
        await client.SendAsync("GET / HTTP/1.0\r\n\r\n");
        Assert.Equal("old: GET - / 0\n", await client.ReadAnswerAsync());
    }
}
