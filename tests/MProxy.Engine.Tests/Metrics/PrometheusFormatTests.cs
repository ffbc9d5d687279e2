using MProxy.Engine.Metrics;

namespace MProxy.Engine.Tests.Metrics;

public class PrometheusFormatTests
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("*/*", false)]
    [InlineData("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false)]
    [InlineData("text/plain;version=0.0.4", false)]
    [InlineData("application/openmetrics-text", true)]
    [InlineData("Application/OpenMetrics-Text; Version=\"1.0.0\"; charset=utf-8", true)]
    [InlineData("application/openmetrics-text;version=0.0.1", false)]
    [InlineData("application/openmetrics-text;version=1.0.0;q=0", false)]
    [InlineData("application/openmetrics-text;version=1.0.0;q=nan", false)]
    [InlineData("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.6", false)]
    [InlineData("text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.5", true)]
    [InlineData(",;,=;q,application/openmetrics-text;;q=1;=", true)]

    // What Prometheus 2.42 and 3.0 send.
    [InlineData("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true)]
    [InlineData("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", true)]
    public void OpenMetrics_is_for_those_who_like_it_better(string? accept, bool isOpenMetrics) =>
        Assert.Equal(isOpenMetrics, PrometheusFormat.Choose(accept).IsOpenMetrics);
}
