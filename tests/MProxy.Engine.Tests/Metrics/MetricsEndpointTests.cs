using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Link;
using MProxy.Engine.Metrics;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Metrics;

public sealed class MetricsEndpointTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly ResourceLedger _ledger = new();
    private readonly CountedSource _source = new();
    private MetricsEndpoint _endpoint;

    public MetricsEndpointTests() => _endpoint = Start(IPAddress.Loopback);

    private int Port => _endpoint.Address.Port;

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        _source.Dispose();
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{_ledger}");
    }

    [Fact]
    public async Task What_is_counted_is_shown()
    {
        var meter = _source.Meter;
        meter.LinkOpened();
        meter.LinkEnded(null);
        meter.LinkEnded(new LinkException("", code: ErrorCode.Timeout));
        meter.Answered(TimeSpan.FromMilliseconds(20));
        meter.ClientEnded("https", null, TimeSpan.FromSeconds(2));
        meter.ClientEnded("evil\"}", "E_EVIL", TimeSpan.FromDays(2));
        meter.FirstByte("http", TimeSpan.FromMilliseconds(1));
        meter.Dialled(null, TimeSpan.FromMilliseconds(0.4));
        var (head, samples) = await ScrapeAsync();
        Assert.Equal(
            ["HTTP/1.1 200 OK", "Content-Type: text/plain; version=0.0.4; charset=utf-8", "Cache-Control: no-store", "Connection: close"],
            head.Where(line => !line.StartsWith("Content-Length", StringComparison.Ordinal)));
        var me = $"mproxy_relay_name=\"{_source.Name}\"";
        Dictionary<string, double> expected = new()
        {
            [$"mproxy_link_active{{{me}}}"] = 2,
            [$"mproxy_link_opened_total{{{me}}}"] = 1,
            [$"mproxy_link_ended_total{{{me},mproxy_link_end=\"closed\"}}"] = 1,
            [$"mproxy_link_ended_total{{{me},mproxy_link_end=\"E_TIMEOUT\"}}"] = 1,
            [$"mproxy_link_io_bytes_total{{{me},network_io_direction=\"receive\"}}"] = 1000,
            [$"mproxy_link_io_bytes_total{{{me},network_io_direction=\"transmit\"}}"] = 2000,
            [$"mproxy_link_round_trip_duration_seconds_count{{{me}}}"] = 1,
            [$"mproxy_link_round_trip_duration_seconds_sum{{{me}}}"] = 0.02,
            [$"mproxy_client_active{{{me}}}"] = 3,
            [$"mproxy_client_ended_total{{{me},mproxy_client_service=\"https\",mproxy_client_end=\"end\"}}"] = 1,
            [$"mproxy_client_ended_total{{{me},mproxy_client_service=\"other\",mproxy_client_end=\"other\"}}"] = 1,
            [$"mproxy_client_duration_seconds_bucket{{{me},mproxy_client_service=\"https\",le=\"1\"}}"] = 0,
            [$"mproxy_client_duration_seconds_bucket{{{me},mproxy_client_service=\"https\",le=\"5\"}}"] = 1,
            [$"mproxy_client_duration_seconds_bucket{{{me},mproxy_client_service=\"other\",le=\"86400\"}}"] = 0,
            [$"mproxy_client_duration_seconds_bucket{{{me},mproxy_client_service=\"other\",le=\"+Inf\"}}"] = 1,
            [$"mproxy_client_time_to_first_byte_seconds_sum{{{me},mproxy_client_service=\"http\"}}"] = 0.001,
            [$"mproxy_client_io_bytes_total{{{me},network_io_direction=\"receive\"}}"] = 100,
            [$"mproxy_client_io_bytes_total{{{me},network_io_direction=\"transmit\"}}"] = 200,
            [$"mproxy_client_pauses_total{{{me},network_io_direction=\"receive\"}}"] = 4,
            [$"mproxy_client_pauses_total{{{me},network_io_direction=\"transmit\"}}"] = 5,
            [$"mproxy_client_refused_total{{{me},mproxy_refusal_reason=\"no_device_serves_its_port\"}}"] = 6,
            [$"mproxy_link_refused_total{{{me},mproxy_refusal_reason=\"its_handshake_failed\"}}"] = 12,
            [$"mproxy_limit_struck_total{{{me},mproxy_limit_name=\"client_idle\"}}"] = 7,
            [$"mproxy_dial_duration_seconds_bucket{{{me},mproxy_dial_outcome=\"ok\",le=\"0.0005\"}}"] = 1,
            [$"mproxy_datagram_dropped_total{{{me},mproxy_drop_reason=\"it_is_too_large\"}}"] = 8,
            [$"mproxy_fleet_relays{{{me},mproxy_relay_state=\"up\"}}"] = 13,
            [$"mproxy_fleet_relays{{{me},mproxy_relay_state=\"lost\"}}"] = 0,
            [$"mproxy_peer_link_active{{{me}}}"] = 14,
            [$"mproxy_peer_client_active{{{me}}}"] = 15,
            [$"mproxy_access_log_dropped_total{{{me}}}"] = 9,
        };
        Assert.All(expected, entry => Assert.Equal(entry.Value, samples[entry.Key]));

        // No other test's relay, and nothing but the histograms' other buckets besides.
        Assert.All(samples.Keys, name => Assert.Contains(me, name, StringComparison.Ordinal));
        Assert.Equal(expected.Keys.Select(Family).Distinct().Order(StringComparer.Ordinal), samples.Keys.Select(Family).Distinct().Order(StringComparer.Ordinal));
        _source.Clients = 9;
        Assert.Equal(9, (await ScrapeAsync()).Samples[$"mproxy_client_active{{{me}}}"]);
        static string Family(string sample) => sample.Split('{')[0].Replace("_bucket", "", StringComparison.Ordinal).Replace("_sum", "", StringComparison.Ordinal).Replace("_count", "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_likes_OpenMetrics_gets_it()
    {
        var (head, body) = await AskAsync("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n\r\n");
        Assert.Contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8", head);
        Assert.Equal(6, PrometheusReader.Read(body, isOpenMetrics: true)[$"mproxy_client_refused_total{{mproxy_relay_name=\"{_source.Name}\",mproxy_refusal_reason=\"no_device_serves_its_port\"}}"]);
    }

    [Theory]
    [InlineData("HEAD /metrics HTTP/1.1\r\nHost: localhost", 200)]
    [InlineData("GET /metrics?all HTTP/1.1\r\nHost: LOCALHOST:9464", 200)]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:80", 200)]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: 127.8.9.10", 200)]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: [::1]:9464", 200)]
    [InlineData("GET http://localhost/metrics HTTP/1.1\r\nHost: localhost", 200)]
    [InlineData("GET /metrics HTTP/1.0", 200)]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost", 404)]
    [InlineData("GET /metrics/ HTTP/1.1\r\nHost: localhost", 404)]
    [InlineData("GET /METRICS HTTP/1.1\r\nHost: localhost", 404)]
    [InlineData("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0", 405)]
    [InlineData("DELETE /metrics HTTP/1.1\r\nHost: localhost", 405)]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: rebound.example", 421)]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: localhost.rebound.example:9464", 421)]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: 192.0.2.1", 421)]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: [::]", 421)]
    [InlineData("GET http://rebound.example/metrics HTTP/1.1\r\nHost: rebound.example", 421)]
    [InlineData("GET /metrics HTTP/1.1", 400)]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost", 400)]
    [InlineData("GET /metrics HTTP/2.0\r\nHost: localhost", 400)]
    [InlineData("hello", 400)]
    public async Task Each_request_gets_its_answer(string request, int status)
    {
        var (head, body) = await AskAsync($"{request}\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", head[0], StringComparison.Ordinal);
        Assert.Contains("Connection: close", head);
        var length = int.Parse(head.Single(line => line.StartsWith("Content-Length: ", StringComparison.Ordinal))[16..], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(length > 0);
        Assert.Equal(request.StartsWith("HEAD", StringComparison.Ordinal) ? 0 : length, body.Length);
        Assert.Equal(status == 200 && body.Length > 0, body.Contains(_source.Name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_second_request_on_a_connection_is_not_answered()
    {
        var text = await FrontClient.AskAsync(Port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal(2, text.Split("HTTP/1.1 ").Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET /metrics HTTP/1.1\r\nHost:")]
    public async Task Whoever_does_not_ask_in_time_is_reset(string words)
    {
        using var client = await FrontClient.ConnectAsync(Port);
        await client.SendAsync(words);
        await _time.TimersAsync(MetricsEndpoint.Patience);
        _time.Advance(MetricsEndpoint.Patience - TimeSpan.FromTicks(1));
        await Until.TrueAsync(() => _ledger.Buffers == 1);
        _time.Advance(TimeSpan.FromTicks(1));
        await client.IsResetAsync();
    }

    [Fact]
    public async Task Whoever_goes_without_a_request_takes_nothing_along()
    {
        using (var client = await FrontClient.ConnectAsync(Port))
        {
            await client.SendAsync("GET /");
            await _time.TimersAsync(MetricsEndpoint.Patience);
        }

        await Until.TrueAsync(() => _ledger is { Open: 2, Loops: 1, Buffers: 0 });
    }

    [Fact]
    public async Task Who_comes_beyond_the_bound_is_reset_and_a_place_comes_back()
    {
        List<FrontClient> silent = [];
        try
        {
            for (var i = 0; i < MetricsEndpoint.MaxScrapers; i++)
            {
                silent.Add(await FrontClient.ConnectAsync(Port));
            }

            await _time.TimersAsync(MetricsEndpoint.Patience, silent.Count);
            await MemoryWorld.IsResetAsync(Port);
            silent[0].Dispose();
            await _time.TimersAsync(MetricsEndpoint.Patience, silent.Count - 1);
            Assert.NotEmpty((await ScrapeAsync()).Samples);
        }
        finally
        {
            silent.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task A_stop_waits_for_no_scraper()
    {
        using var silent = await FrontClient.ConnectAsync(Port);
        await _time.TimersAsync(MetricsEndpoint.Patience);
        await _endpoint.DisposeAsync();
        Assert.True(_ledger.IsEmpty);
        await silent.IsResetAsync();
        var error = await Assert.ThrowsAsync<SocketException>(() => FrontClient.ConnectAsync(Port));
        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
        _endpoint = Start(IPAddress.Loopback);
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("192.0.2.1")]
    [InlineData("::ffff:192.0.2.1")]
    public void An_address_that_others_reach_is_refused(string address)
    {
        var error = Assert.Throws<ArgumentException>(() => Start(IPAddress.Parse(address)));
        Assert.Contains("loopback", error.Message, StringComparison.Ordinal);
        Assert.Contains("reverse proxy", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_leaves_nothing_behind()
    {
        var ledger = new ResourceLedger();
        Assert.Throws<SocketException>(() => MetricsEndpoint.Start(_endpoint.Address, _source.Owner, ledger, _time));
        Assert.True(ledger.IsEmpty);
        Assert.NotEmpty((await ScrapeAsync()).Samples);
    }

    [Fact]
    public async Task It_can_be_had_by_IPv6_too()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "There is no IPv6.");
        await using var endpoint = Start(IPAddress.IPv6Loopback);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Assert.NotEmpty(PrometheusReader.Read(await client.GetStringAsync(new Uri($"http://[::1]:{endpoint.Address.Port}/metrics"), FrontWorld.Token)));
    }

    private MetricsEndpoint Start(IPAddress address) => MetricsEndpoint.Start(new IPEndPoint(address, 0), _source.Owner, _ledger, _time);

    private async Task<(string[] Head, string Body)> AskAsync(string request)
    {
        var parts = (await FrontClient.AskAsync(Port, request)).Split("\r\n\r\n", 2);
        return (parts[0].Split("\r\n"), parts[1]);
    }

    private async Task<(string[] Head, IReadOnlyDictionary<string, double> Samples)> ScrapeAsync()
    {
        var (head, body) = await AskAsync("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        return (head, PrometheusReader.Read(body));
    }
}
