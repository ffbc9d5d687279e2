using System.Globalization;
using System.Net;
using MProxy.Engine.Metrics;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Metrics;

/// <summary>What Prometheus itself makes of it.</summary>
public sealed class PrometheusTests : IAsyncDisposable
{
    private readonly ResourceLedger _ledger = new();
    private readonly CountedSource _source = new();
    private readonly MetricsEndpoint _endpoint;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-prometheus");

    public PrometheusTests()
    {
        _endpoint = MetricsEndpoint.Start(new IPEndPoint(IPAddress.Loopback, 0), _source.Owner, _ledger, TimeProvider.System);
        var meter = _source.Meter;
        meter.LinkOpened();
        meter.LinkEnded(null);
        meter.Answered(TimeSpan.FromMilliseconds(20));
        meter.ClientEnded("https", null, TimeSpan.FromSeconds(2));
        meter.FirstByte("http", TimeSpan.FromMilliseconds(1));
        meter.Dialled(null, TimeSpan.FromMilliseconds(0.4));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        _source.Dispose();
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Promtool_finds_nothing_wrong_with_it()
    {
        Programs.Need("promtool");
        var text = await _http.GetStringAsync(new Uri($"http://{_endpoint.Address}/metrics"), Token);
        var (code, output, error) = await Programs.RunAsync("promtool", ["check", "metrics"], text);
        Assert.Equal("0 || ", $"{code} |{output}| {error}");
    }

    [Fact]
    public async Task Promtool_finds_what_is_wrong_with_others()
    {
        Programs.Need("promtool");
        var (code, _, _) = await Programs.RunAsync("promtool", ["check", "metrics"], "# HELP a_milliseconds b\n# TYPE a_milliseconds counter\na_milliseconds 1\n");
        Assert.NotEqual(0, code);
    }

    /// <summary>It asks for OpenMetrics, whose reader is another one.</summary>
    [Fact]
    public async Task Prometheus_scrapes_it()
    {
        Programs.Need("prometheus");
        var port = FreePort.Take();
        var configuration = Path.Combine(_folder.FullName, "prometheus.yml");
        await File.WriteAllTextAsync(
            configuration,
            $"global: {{ scrape_interval: 3s }}\nscrape_configs: [ {{ job_name: mproxy, static_configs: [ {{ targets: ['{_endpoint.Address}'] }} ] }} ]\n",
            Token);
        await using var prometheus = new Daemon(
            "prometheus", $"--config.file={configuration}", $"--storage.tsdb.path={_folder.FullName}/data", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn");
        await prometheus.ListensAsync(port);
        string answer = "";
        var since = TimeProvider.System.GetTimestamp();
        do
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(30), $"It has not scraped in time: {answer} {prometheus.Output}");
            await Task.Delay(100, Token);
            answer = await QueryAsync(port, "sum by (__name__) ({job=\"mproxy\"})");
        }
        while (!answer.Contains("mproxy_link_active", StringComparison.Ordinal));
        string[] expected =
        [
            "mproxy_client_ended_total", "mproxy_client_duration_seconds_bucket", "mproxy_client_io_bytes_total", "mproxy_dial_duration_seconds_sum",
            "mproxy_link_round_trip_duration_seconds_count", "mproxy_client_refused_total", "mproxy_datagram_dropped_total",
        ];
        Assert.All(expected, name => Assert.Contains($"\"{name}\"", answer, StringComparison.Ordinal));
        Assert.Contains("\"value\":[", answer, StringComparison.Ordinal);
        var up = await QueryAsync(port, "up{job=\"mproxy\"}");
        Assert.Contains(",\"1\"]", up, StringComparison.Ordinal);
        var sent = await QueryAsync(port, $"mproxy_client_io_bytes_total{{network_io_direction=\"transmit\",mproxy_relay_name=\"{_source.Name}\"}}");
        Assert.Contains($",\"{_source.ClientBytes.Sent.ToString(CultureInfo.InvariantCulture)}\"]", sent, StringComparison.Ordinal);
    }

    private async Task<string> QueryAsync(int port, string query)
    {
        using var answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{port}/api/v1/query?query={Uri.EscapeDataString(query)}"), Token);
        return await answer.Content.ReadAsStringAsync(Token);
    }
}
