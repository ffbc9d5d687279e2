namespace MProxy.Engine.Tests.Front;

/// <summary>Real clients of HTTP, each of which gets the answer of the device whose name it asks for.</summary>
public sealed class CurlFrontTests : IAsyncDisposable
{
    private static readonly string[] Names = ["d0.test", "d1.test", "d2.test"];

    private readonly FrontWorld _world = new();

    [Theory]
    [InlineData("http", "Http")]
    [InlineData("http", "Mixed")]
    [InlineData("https", "Tls")]
    [InlineData("https", "Mixed")]
    public async Task Three_names_lead_to_three_devices(string scheme, string kind)
    {
        await StartAsync(scheme);
        var port = _world.PortOf(kind);
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => CurlAsync("--resolve", $"{Names[i % 3]}:{port}:127.0.0.1", $"{scheme}://{Names[i % 3]}:{port}/path?{i}")));
        Assert.Equal(Enumerable.Range(0, 12).Select(i => $"{Names[i % 3]}: GET {Names[i % 3]}:{port} /path?{i} 0\n"), answers);
        Assert.Equal(0, _world.Relay.RefusedCount);
    }

    [Theory]
    [InlineData("http", "Http", "D1.TEST")]
    [InlineData("http", "Http", "d1.test.")]
    [InlineData("http", "Mixed", "D1.Test.")]
    [InlineData("https", "Tls", "D1.TEST")]
    [InlineData("https", "Tls", "d1.test.")]
    [InlineData("https", "Mixed", "below.D1.Test.")]
    public async Task A_name_may_be_written_in_other_ways(string scheme, string kind, string name)
    {
        await StartAsync(scheme);
        var answer = await CurlAsync("--connect-to", $"::127.0.0.1:{_world.PortOf(kind)}", $"{scheme}://{name}/");
        Assert.StartsWith("d1.test: GET ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_is_used_again_for_the_same_name()
    {
        await StartAsync("http");
        var url = $"http://d0.test:{_world.Http}";
        var answer = await CurlAsync("--resolve", $"d0.test:{_world.Http}:127.0.0.1", "--write-out", "%{num_connects} new\n", $"{url}/a", $"{url}/b");
        Assert.Equal($"d0.test: GET d0.test:{_world.Http} /a 0\n1 new\nd0.test: GET d0.test:{_world.Http} /b 0\n0 new\n", answer);
    }

    [Fact]
    public async Task A_client_that_takes_the_relay_for_its_proxy_gets_each_name_from_its_own_device()
    {
        await StartAsync("http");
        var answer = await CurlAsync(
            "--proxy", $"http://127.0.0.1:{_world.Http}", "--write-out", "%{num_connects} new\n", "http://d0.test/a", "http://d1.test/b", "http://d1.test/c", "http://d2.test/d");
        Assert.Equal(
            "d0.test: GET d0.test http://d0.test/a 0\n1 new\nd1.test: GET d1.test http://d1.test/b 0\n1 new\nd1.test: GET d1.test http://d1.test/c 0\n0 new\nd2.test: GET d2.test http://d2.test/d 0\n1 new\n",
            answer);
    }

    [Fact]
    public async Task An_upload_of_unknown_length_arrives_whole()
    {
        await StartAsync("http");
        var (code, answer, error) = await Programs.RunAsync(
            "curl", ["--silent", "--show-error", "--max-time", "30", "--header", "Expect:", "--upload-file", "-", "--connect-to", $"::127.0.0.1:{_world.Http}", "http://d2.test/up"], new string('x', 3_000_000));
        Assert.Equal((0, "d2.test: PUT d2.test /up 3000000\n", ""), (code, answer, error));
    }

    [Fact]
    public async Task HTTP_2_with_prior_knowledge_is_refused_clearly_and_an_offer_of_it_is_not()
    {
        await StartAsync("http");
        string[] where = ["--connect-to", $"::127.0.0.1:{_world.Http}", "http://d0.test/"];
        var (code, output, error) = await Programs.RunAsync("curl", ["--silent", "--show-error", "--max-time", "30", "--http2-prior-knowledge", .. where], "");
        Assert.Equal("", output);
        Assert.NotEqual(0, code);

        // At once, and not after the time that curl would have waited. What it says of an answer in HTTP/1.1 depends on its version.
        Assert.NotEqual(28, code);
        Assert.StartsWith("curl: (", error, StringComparison.Ordinal);
        Assert.Equal(1, _world.Relay.RefusedCount);
        Assert.Equal("d0.test: GET d0.test / 0\n", await CurlAsync(["--http2", .. where]));
    }

    [Fact]
    public async Task A_name_that_nobody_serves_is_answered()
    {
        await StartAsync("http");
        Assert.Equal(
            "No device serves this name.\n502 text/plain; charset=utf-8",
            await CurlAsync("--write-out", "%{http_code} %{content_type}", "--connect-to", $"::127.0.0.1:{_world.Http}", "http://other.test/"));
        var (code, _, error) = await Programs.RunAsync("curl", "--silent", "--show-error", "--insecure", "--connect-to", $"::127.0.0.1:{_world.Tls}", "https://other.test/");
        Assert.Equal(35, code);
        Assert.Contains("unrecognized name", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_is_sent_to_https_arrives_there_with_method_path_and_body()
    {
        Programs.Need("curl");
        await using var world = new FrontWorld(options => options with { RedirectToHttps = true });
        using var web = new NamedWeb("d0.test");
        await world.AddDeviceAsync(world.AddService(web.ServeTlsAsync).Target, "d0.test");
        var answer = await CurlAsync(
            "--location", "--data", "hello", "--resolve", $"d0.test:{world.Http}:127.0.0.1", "--resolve", $"d0.test:{world.Tls}:127.0.0.1", $"http://d0.test:{world.Http}/a/b?c=d");
        Assert.Equal($"d0.test: POST d0.test:{world.Tls} /a/b?c=d 5\n", answer);
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    private static Task<string> CurlAsync(params string[] arguments) =>
        Programs.OutputAsync("curl", ["--silent", "--show-error", "--insecure", "--max-time", "30", .. arguments]);

    private async Task StartAsync(string scheme)
    {
        Programs.Need("curl");
        foreach (var name in Names)
        {
            var web = new NamedWeb(name);
            await _world.AddDeviceAsync(_world.AddService(scheme == "https" ? web.ServeTlsAsync : web.ServeAsync).Target, name);
        }
    }
}
