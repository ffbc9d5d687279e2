using MProxy.Engine.Health;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Health;

/// <summary>What a relay takes for the states of a device's services, and what it does not.</summary>
public class ServicesMessageTests
{
    [Fact]
    public void It_has_every_key_with_its_state()
    {
        KeyValuePair<string, AnnouncedService>[] services =
        [
            new("*", new AnnouncedService(ServiceState.Down)),
            new("514", new AnnouncedService(ServiceState.Draining, TakesStreams: false, TakesDatagrams: true)),
            new("app.example", new AnnouncedService(ServiceState.Up)),
            new("dns", new AnnouncedService(ServiceState.Up, TakesDatagrams: true)),
        ];
        var json = JsonText.Serialize(ServicesMessage.Write(services));
        Assert.Equal("""[["*","down"],["514","drain","udp"],["app.example","up"],["dns","up","dns"]]"""u8, json);
        Assert.Equal(services, Read(json).OrderBy(entry => entry.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void None_is_a_state_too() => Assert.Empty(Read("[]"u8));

    [Theory]
    [InlineData("null")]
    [InlineData("\"*\"")]
    [InlineData("{\"*\":\"up\"}")]
    [InlineData("[\"*\",\"up\"]")]
    [InlineData("[[\"*\"]]")]
    [InlineData("[[\"*\",\"up\",1]]")]
    [InlineData("[[\"*\",\"up\",\"\"]]")]
    [InlineData("[[\"*\",\"up\",null]]")]
    [InlineData("[[\"*\",\"up\",\"tcp\"]]")]
    [InlineData("[[\"*\",\"up\",\"udp\",1]]")]
    [InlineData("[[\"*\",\"UP\"]]")]
    [InlineData("[[\"*\",1]]")]
    [InlineData("[[\"*\",null]]")]
    [InlineData("[[1,\"up\"]]")]
    [InlineData("[[\"\",\"up\"]]")]
    [InlineData("[[\"*\",\"up\"],[\"*\",\"down\"]]")]
    [InlineData("[[\"tcp\",\"up\"],[\"TCP\",\"down\"]]")]
    [InlineData("[[\"A.example\",\"up\"]]")]
    [InlineData("[[\"a.example.\",\"up\"]]")]
    [InlineData("[[\"a..example\",\"up\"]]")]
    [InlineData("[[\"bücher.example\",\"up\"]]")]
    [InlineData("[[\"*.1.2.3.4\",\"up\"]]")]
    [InlineData("[[\"*\",\"up\"],7]")]
    public void What_is_written_differently_is_refused(string json)
    {
        Assert.True(JsonText.TryParse(System.Text.Encoding.UTF8.GetBytes(json), out var content));
        Assert.Equal(ErrorCode.BadCommand, Assert.Throws<LinkException>(() => ServicesMessage.Read(content)).Code);
    }

    [Theory]
    [InlineData(300, 255, true)]
    [InlineData(301, 10, false)]
    [InlineData(1, 256, false)]
    public void There_is_a_limit_to_how_many_and_how_long(int count, int length, bool isTaken)
    {
        object?[] content = [.. Enumerable.Range(0, count).Select(i => new object?[] { $"{i}".PadRight(length, 'x'), "up" })];
        var error = Record.Exception(() => ServicesMessage.Read(content));
        Assert.Equal(isTaken, error is null);
        Assert.Equal(isTaken ? null : ErrorCode.BadCommand, (error as LinkException)?.Code);
    }

    [Theory]
    [InlineData(300, 100, null)]
    [InlineData(301, 10, "There are 301 services, and a relay can be told of 300 at most which of them get new clients.")]
    [InlineData(1, 256, "A service has an empty key or one of more than 255 characters, and no relay can be told whether it gets new clients.")]
    [InlineData(300, 255, "The services have keys too long for a message that tells a relay which of them get new clients.")]
    public void A_device_knows_what_fits(int count, int length, string? reason) =>
        Assert.Equal(reason, ServicesMessage.WhyNot([.. Enumerable.Range(0, count).Select(i => $"{i}".PadRight(length, 'x'))]));

    private static IReadOnlyDictionary<string, AnnouncedService> Read(ReadOnlySpan<byte> json)
    {
        Assert.True(JsonText.TryParse(json, out var content));
        return ServicesMessage.Read(content).Entries;
    }
}
