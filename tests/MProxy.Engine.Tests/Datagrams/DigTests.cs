using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Datagrams;

/// <summary>dig asks two real name servers through one relay, over UDP and TCP.</summary>
public sealed class DigTests : IAsyncLifetime
{
    private readonly FrontWorld _world = new();
    private readonly List<Daemon> _servers = [];

    public async ValueTask InitializeAsync()
    {
        Programs.Need("dig", "dnsmasq");
        await AddAsync("a.example", "192.0.2.1");
        await AddAsync("b.example", "192.0.2.2");
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("+tcp")]
    [InlineData("+noedns")]
    [InlineData("+dnssec +bufsize=4096")]
    [InlineData("+nocookie +subnet=198.51.100.0/24")]
    public async Task Each_name_is_answered_by_its_own_server(string options)
    {
        Assert.Equal("192.0.2.1", await DigAsync("www.a.example", "A", options));
        Assert.Equal("192.0.2.2", await DigAsync("WwW.b.ExAmPlE", "A", options));
        Assert.Equal("2001:db8::1", await DigAsync("a.example", "AAAA", options));
        Assert.Equal("\"of b.example\"", await DigAsync("text.b.example", "TXT", options));
        Assert.Equal("10 mail.a.example.", await DigAsync("a.example", "MX", options));
        Assert.Equal("0 5 443 a.example.", await DigAsync("_https._tcp.a.example", "SRV", options));
    }

    [Fact]
    public async Task The_spelling_of_the_question_comes_back()
    {
        var answer = await Programs.OutputAsync("dig", Arguments("wWw.A.eXample", "A", "+noall +question"));
        Assert.Contains("wWw.A.eXample.", answer);
    }

    [Fact]
    public async Task A_long_answer_is_asked_for_again_over_tcp()
    {
        // More than ten times what dig asks with: not sent to an address that may be made up.
        var answer = await Programs.OutputAsync("dig", Arguments("long.a.example", "TXT", "+bufsize=4096 +comments +noshort"));
        Assert.Contains("Truncated, retrying in TCP mode", answer);
        Assert.Contains("(TCP)", answer);
        Assert.Contains("status: NOERROR", answer);
        Assert.Contains(new string('x', 200), answer);
    }

    [Theory]
    [InlineData("")]
    [InlineData("+tcp")]
    public async Task A_name_nobody_serves_is_refused(string options)
    {
        var answer = await Programs.OutputAsync("dig", Arguments("www.c.example", "A", $"{options} +noshort +comments"));
        Assert.Contains("status: REFUSED", answer);
        Assert.True(_world.Relay.RefusedCount >= 1);
    }

    [Fact]
    public async Task One_connection_asks_for_one_name_and_the_next_question_needs_another()
    {
        // dig keeps its connection for the second question, which is for another device, and goes on with a new one when it is closed.
        var answers = await Programs.OutputAsync("dig", [.. Arguments("www.a.example", "A", "+tcp +keepopen +short"), .. Arguments("mail.a.example", "A", "+tcp +keepopen +short")[3..]]);
        Assert.StartsWith("192.0.2.1", answers);
    }

    [Fact]
    public async Task Two_hundred_ask_at_once()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(async number =>
        {
            var (name, address) = number % 2 == 0 ? ("a.example", "192.0.2.1") : ("b.example", "192.0.2.2");
            return (Wanted: address, Answer: await DigAsync($"n{number}.{name}", "A", "+tries=5"));
        }));
        Assert.All(answers, pair => Assert.Equal(pair.Wanted, pair.Answer));
    }

    private async Task AddAsync(string name, string address)
    {
        var port = FreePort.Take();
        var number = address[^1];
        var text = string.Join(',', Enumerable.Range(0, 5).Select(_ => new string('x', 200)));
        var server = new Daemon(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", $"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
            "--log-facility=-", "--pid-file=", $"--user={Environment.UserName}", $"--local=/{name}/", $"--address=/{name}/{address}", $"--host-record={name},{address},2001:db8::{number}", $"--txt-record=text.{name},of {name}",
            $"--txt-record=long.{name},{text}", $"--mx-host={name},mail.{name},10", $"--srv-host=_https._tcp.{name},{name},443,0,5");
        _servers.Add(server);
        await server.ListensAsync(port);
        await _world.AddDeviceAsync($"dns://127.0.0.1:{port}", name);
    }

    private string[] Arguments(string name, string type, string options) =>
        ["@127.0.0.1", "-p", $"{_world.Dns}", "+time=5", name, type, .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)];

    private async Task<string> DigAsync(string name, string type, string options) =>
        (await Programs.OutputAsync("dig", Arguments(name, type, $"+short {options}"))).Trim();
}
