using MProxy.Engine.Device;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Routing;

/// <summary>Which local service a client gets.</summary>
public class ServiceMapTests
{
    [Theory]
    [InlineData("a.example", 443, "https", 1)]
    [InlineData("A.EXAMPLE.", 443, "https", 1)]
    [InlineData("b.a.example", 443, "https", 2)]
    [InlineData("c.b.a.example", 443, "https", 2)]
    [InlineData("b.example", 443, "https", 3)]
    [InlineData("example", 443, "https", 4)]
    [InlineData("", 443, "https", 4)]
    [InlineData(null, 443, "https", 4)]
    [InlineData("a b", 443, "https", 4)]
    [InlineData("*.example", 443, "https", 4)]
    [InlineData("other", 80, "HTTPS", 5)]
    [InlineData("other", null, "https", 5)]
    [InlineData("other", 80, "http", 6)]
    [InlineData("localhost", 443, "https", 4)]
    [InlineData("localhost", null, "localhost", 7)]
    [InlineData("xn--bcher-kva.test", 443, "https", 8)]
    [InlineData("1.2.3.4", 443, "https", 9)]
    [InlineData("[::1]", 443, "https", 10)]
    [InlineData("443", 80, "https", 5)]
    public void The_closest_key_counts(string? name, int? port, string service, int target)
    {
        var map = NewMap("A.Example.", "*.a.example", "*.Example", "443", "https", "*", "localhost", "bücher.test", "1.2.3.4", "[0::1]");
        Assert.Equal(target, map.Find(new FrameMeta { Name = name, ServicePort = port, Service = service })!.Port);
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("REDIS.")]
    [InlineData("6379")]
    public void No_client_chooses_a_service_or_port_by_its_name(string name)
    {
        var map = NewMap("http", "redis", "6379");
        Assert.Equal(1, map.Find(new FrameMeta { Name = name, ServicePort = 80, Service = "http" })!.Port);
    }

    [Theory]
    [InlineData("https", "tls")]
    [InlineData("tls", "https")]
    public void Https_and_tls_stand_for_each_other(string service, string key)
    {
        Assert.Equal(2, NewMap("http", key).Find(new FrameMeta { ServicePort = 443, Service = service })!.Port);
        Assert.Equal(1, NewMap(service, key).Find(new FrameMeta { ServicePort = 443, Service = service })!.Port);
    }

    [Fact]
    public void What_no_key_is_for_is_not_served()
    {
        var map = NewMap("a.example", "*.b.example", "22", "ssh");
        Assert.Null(map.Find(new FrameMeta { Name = "b.a.example", ServicePort = 23, Service = "tcp" }));
        Assert.Null(map.Find(new FrameMeta { Name = "b.example", ServicePort = 23, Service = "tcp" }));
        Assert.Null(map.Find(new FrameMeta { Name = "xb.example", ServicePort = 23, Service = "tcp" }));
        Assert.NotNull(map.Find(new FrameMeta { Name = "x.b.example", ServicePort = 23, Service = "tcp" }));
        Assert.Null(map.Find(default));
    }

    [Theory]
    [InlineData("a..example")]
    [InlineData("*.*.example")]
    [InlineData("a.*")]
    [InlineData("*.1.2.3.4")]
    [InlineData("a.example:80")]
    [InlineData("http://a.example")]
    [InlineData("ü b")]
    public void A_key_that_is_written_like_a_name_and_is_none_is_refused(string key) =>
        Assert.Equal($"The service '{key}' is no name, *.name, port or service.", Assert.Throws<ArgumentException>(() => NewMap(key)).Message);

    [Theory]
    [InlineData("tcp", "TCP")]
    [InlineData("a.example", "A.example.")]
    [InlineData("*.a.example", "*.A.example")]
    public void A_key_is_there_once(string first, string second) =>
        Assert.Equal($"The service '{second}' is given twice.", Assert.Throws<ArgumentException>(() => NewMap(first, second)).Message);

    [Fact]
    public void Entries_show_what_is_compared() => Assert.Equal(["*=local:3", "a.example=local:1", "tcp=local:2"], NewMap("A.Example.", "tcp", "*").Entries);

    private static ServiceMap NewMap(params string[] keys) =>
        new(keys.Select((key, index) => KeyValuePair.Create(key, new LocalTarget("local", index + 1))));
}
