namespace MProxy.Engine.Tests.Metrics;

/// <summary>The reader that the other tests believe finds what is wrong.</summary>
public class PrometheusReaderTests
{
    private const string Histogram = "# HELP a b\n# TYPE a histogram\n";

    [Theory]
    [InlineData("# HELP a b\n# TYPE a gauge\na 1")]
    [InlineData("# HELP a b\n# TYPE a gauge\n")]
    [InlineData("# HELP a b\na 1\n")]
    [InlineData("# TYPE a gauge\na 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na 1\na 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\n\na 1\n")]
    [InlineData("# HELP a b\n# HELP a b\n# TYPE a gauge\na 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na 1\n# HELP c d\n# TYPE c gauge\nc 1\n# HELP a b\n# TYPE a gauge\na{x=\"\"} 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\nc 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na one\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na 1 1700000000\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\n# UNIT a seconds\na 1\n")]
    [InlineData("# HELP a b\n# TYPE a text\na 1\n")]
    [InlineData("# HELP a.b c\n# TYPE a.b gauge\na.b 1\n")]
    [InlineData("# HELP a b\\c\n# TYPE a gauge\na 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na{x.y=\"1\"} 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na{x=\"\"\"} 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na{x=\"\\t\"} 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na{x=\"1\",x=\"2\"} 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na{x=\"1\",} 1\n")]
    [InlineData("# HELP a_total b\n# TYPE a_total gauge\na_total 1\n")]
    [InlineData("# HELP a b\n# TYPE a counter\na 1\n")]
    [InlineData("# HELP a_total b\n# TYPE a_total counter\na_total -1\n")]
    [InlineData(Histogram + "a_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n")]
    [InlineData(Histogram + "a_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n")]
    [InlineData(Histogram + "a_bucket{le=\"+Inf\"} 1\na_count 1\n")]
    [InlineData(Histogram + "a_bucket{le=\"2\"} 1\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n")]
    [InlineData(Histogram + "a_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n")]
    public void What_the_older_format_does_not_allow_is_refused(string text) => Assert.Throws<FormatException>(() => PrometheusReader.Read(text));

    [Theory]
    [InlineData("# HELP a b\n# TYPE a gauge\na 1\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\na 1\n# EOF\n# EOF\n")]
    [InlineData("# HELP a b\n# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n")]
    [InlineData("# HELP a \"b\"\n# TYPE a gauge\na 1\n# EOF\n")]
    [InlineData("# HELP a b\n# TYPE a counter\na 1\n# EOF\n")]
    [InlineData("# HELP a_total b\n# TYPE a_total counter\na_total 1\n# EOF\n")]
    [InlineData(Histogram + "a_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n# EOF\n")]
    public void What_OpenMetrics_does_not_allow_is_refused(string text) => Assert.Throws<FormatException>(() => PrometheusReader.Read(text, isOpenMetrics: true));

    [Fact]
    public void What_both_allow_is_read()
    {
        var older = PrometheusReader.Read("# HELP a_total b \\\\ \"c\"\n# TYPE a_total counter\na_total 1\na_total{x=\"\\\\\",y=\"\\\"\\n\"} 2e3\n");
        Assert.Equal(1, older["a_total"]);
        Assert.Equal(2000, older["a_total{x=\"\\\\\",y=\"\\\"\\n\"}"]);
        var newer = PrometheusReader.Read(
            "# HELP a_seconds b\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\na_seconds_bucket{le=\"0.1\"} 1\na_seconds_bucket{le=\"+Inf\"} 3\na_seconds_sum 1.5\na_seconds_count 3\n# HELP b \\\"c\\\"\n# TYPE b counter\nb_total 1\n# EOF\n",
            isOpenMetrics: true);
        Assert.Equal(3, newer["a_seconds_count"]);
        Assert.Equal(1, newer["b_total"]);
    }
}
