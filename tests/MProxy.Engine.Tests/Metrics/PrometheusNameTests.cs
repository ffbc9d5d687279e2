using MProxy.Engine.Metrics;

namespace MProxy.Engine.Tests.Metrics;

public class PrometheusNameTests
{
    [Theory]
    [InlineData("mproxy.client.duration", "s", "mproxy_client_duration_seconds")]
    [InlineData("mproxy.client.io", "By", "mproxy_client_io_bytes")]
    [InlineData("mproxy.client.active", "{client}", "mproxy_client_active")]
    [InlineData("mproxy.load", "1", "mproxy_load_ratio")]
    [InlineData("mproxy.load", "%", "mproxy_load_percent")]
    [InlineData("mproxy.rate", "By/s", "mproxy_rate_bytes_per_second")]
    [InlineData("mproxy.rate", "{client}/min", "mproxy_rate_per_minute")]
    [InlineData("mproxy.wait.ms", "ms", "mproxy_wait_ms_milliseconds")]
    [InlineData("mproxy.wait.seconds", "s", "mproxy_wait_seconds")]
    [InlineData("mproxy.milliseconds", "s", "mproxy_milliseconds_seconds")]
    [InlineData("seconds", "s", "seconds")]
    [InlineData("mproxy.wait", "", "mproxy_wait")]
    [InlineData("mproxy.wait", "week", "mproxy_wait_week")]
    [InlineData("a.-/b__c", "", "a_b_c")]
    [InlineData("2xx.count", "", "_2xx_count")]
    [InlineData("größe", "", "gr_e")]
    public void A_metric_is_called_as_OpenTelemetry_says(string name, string unit, string expected) => Assert.Equal(expected, PrometheusName.Metric(name, unit));

    [Theory]
    [InlineData("network.io.direction", "network_io_direction")]
    [InlineData("otel.metric.overflow", "otel_metric_overflow")]
    public void So_is_a_label(string name, string expected) => Assert.Equal(expected, PrometheusName.Label(name));
}
