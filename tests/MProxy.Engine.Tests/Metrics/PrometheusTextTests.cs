using MProxy.Engine.Metrics;

namespace MProxy.Engine.Tests.Metrics;

public class PrometheusTextTests
{
    private static readonly MetricFamily[] Families =
    [
        new("a.io", "By", "Bytes.", MetricKind.Counter, [new([new("io.direction", "receive")], 12, [], []), new([new("io.direction", "transmit")], 1e18, [], [])]),
        new("b.active", "{client}", "Up and \"down\" \\ so\nlong.", MetricKind.Gauge, [new([], -1.5, [], []), new([new("name", "a\"b\\c\nd é\r")], double.PositiveInfinity, [], [])]),
        new("c.wait", "s", "Waits.", MetricKind.Histogram, [new([new("x", "y")], 7.25, [0.005, 1, 10], [1, 0, 2, 1]), new([], 0, [2.5], [0, 0])]),
    ];

    [Fact]
    public void The_older_text_is_as_Prometheus_describes_it()
    {
        var text = PrometheusText.Render(Families, PrometheusFormat.Text);
        Assert.Equal(
            """
            # HELP a_io_bytes_total Bytes.
            # TYPE a_io_bytes_total counter
            a_io_bytes_total{io_direction="receive"} 12
            a_io_bytes_total{io_direction="transmit"} 1E+18
            # HELP b_active Up and "down" \\ so\nlong.
            # TYPE b_active gauge
            b_active -1.5
            b_active{name="a\"b\\c\nd é~"} +Inf
            # HELP c_wait_seconds Waits.
            # TYPE c_wait_seconds histogram
            c_wait_seconds_bucket{x="y",le="0.005"} 1
            c_wait_seconds_bucket{x="y",le="1"} 1
            c_wait_seconds_bucket{x="y",le="10"} 3
            c_wait_seconds_bucket{x="y",le="+Inf"} 4
            c_wait_seconds_sum{x="y"} 7.25
            c_wait_seconds_count{x="y"} 4
            c_wait_seconds_bucket{le="2.5"} 0
            c_wait_seconds_bucket{le="+Inf"} 0
            c_wait_seconds_sum 0
            c_wait_seconds_count 0

            """.Replace('~', '\r'),
            text);
        Assert.Equal(14, PrometheusReader.Read(text).Count);
    }

    [Fact]
    public void OpenMetrics_is_as_its_description_says()
    {
        var text = PrometheusText.Render(Families, PrometheusFormat.OpenMetrics);
        Assert.Equal(
            """
            # HELP a_io_bytes Bytes.
            # TYPE a_io_bytes counter
            # UNIT a_io_bytes bytes
            a_io_bytes_total{io_direction="receive"} 12
            a_io_bytes_total{io_direction="transmit"} 1E+18
            # HELP b_active Up and \"down\" \\ so\nlong.
            # TYPE b_active gauge
            b_active -1.5
            b_active{name="a\"b\\c\nd é~"} +Inf
            # HELP c_wait_seconds Waits.
            # TYPE c_wait_seconds histogram
            # UNIT c_wait_seconds seconds
            c_wait_seconds_bucket{x="y",le="0.005"} 1
            c_wait_seconds_bucket{x="y",le="1.0"} 1
            c_wait_seconds_bucket{x="y",le="10.0"} 3
            c_wait_seconds_bucket{x="y",le="+Inf"} 4
            c_wait_seconds_sum{x="y"} 7.25
            c_wait_seconds_count{x="y"} 4
            c_wait_seconds_bucket{le="2.5"} 0
            c_wait_seconds_bucket{le="+Inf"} 0
            c_wait_seconds_sum 0
            c_wait_seconds_count 0
            # EOF

            """.Replace('~', '\r'),
            text);
        Assert.Equal(14, PrometheusReader.Read(text, isOpenMetrics: true).Count);
    }

    [Fact]
    public void A_counter_that_is_called_total_already_is_not_called_so_twice()
    {
        MetricFamily[] families = [new("a.total", "", "All.", MetricKind.Counter, [new([], 1, [], [])])];
        Assert.Equal("# HELP a_total All.\n# TYPE a_total counter\na_total 1\n", PrometheusText.Render(families, PrometheusFormat.Text));
        Assert.Equal("# HELP a All.\n# TYPE a counter\na_total 1\n# EOF\n", PrometheusText.Render(families, PrometheusFormat.OpenMetrics));
    }

    [Fact]
    public void Nothing_is_a_text_too()
    {
        Assert.Equal("", PrometheusText.Render([], PrometheusFormat.Text));
        Assert.Equal("# EOF\n", PrometheusText.Render([], PrometheusFormat.OpenMetrics));
    }
}
