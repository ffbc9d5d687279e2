using MProxy.Engine.Carriers;
using MProxy.Engine.Events;
using MProxy.Engine.Fleet;
using MProxy.Engine.Tests.Carriers;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>A real Redis that does not let everybody in, with TLS, and one of several servers.</summary>
public sealed class RedisAccessTests
{
    private const string Password = "mproxy-test-secret";

    [Theory]
    [InlineData(Password, null)]
    [InlineData("another", "it does not accept user and password")]
    [InlineData(null, "it does not accept user and password")]
    public async Task A_password_is_asked_for_and_a_wrong_one_is_named(string? password, string? refusal)
    {
        await using var redis = await RedisServer.StartAsync("--requirepass", Password);
        await using var world = new FleetWorld(redis.Uri);
        await TryAsync(world, uri => password is null ? uri : uri.WithPassword(password), refusal);
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, "its certificate is another than the pinned one")]
    [InlineData(null, "its certificate is not trusted")]
    public async Task Tls_is_spoken_with_a_directory_that_shows_what_is_pinned(bool? isPinned, string? refusal)
    {
        await using var redis = await RedisServer.StartWithTlsAsync(TestCertificate.Relay, "--requirepass", Password);
        await using var world = new FleetWorld(redis.Uri);
        Assert.Equal("rediss", world.Directory.Scheme);
        string[] pins = isPinned switch { true => [CertificatePins.Sha256(TestCertificate.Relay)], false => [new string('0', 64)], null => [] };
        await TryAsync(world, uri => uri.WithPassword(Password).WithTls(pins, null), refusal);
    }

    [Fact]
    public async Task A_directory_that_asks_for_a_certificate_is_shown_that_of_the_relay()
    {
        await using var redis = await RedisServer.StartWithTlsAsync(TestCertificate.Relay, "--tls-auth-clients", "yes");
        await using var world = new FleetWorld(redis.Uri);
        await TryAsync(world, uri => uri.WithTls([CertificatePins.Sha256(TestCertificate.Relay)], TestCertificate.Relay), null);
    }

    /// <summary>One relay joins, and another where the first did, with a client that goes from one to the other; or it says why not.</summary>
    private static async Task TryAsync(FleetWorld world, Func<DirectoryUri, DirectoryUri> access, string? refusal)
    {
        Relay.RelayOptions With(Relay.RelayOptions options) => options with { Fleet = options.Fleet! with { Directory = access(options.Fleet.Directory) } };
        if (refusal is null)
        {
            var here = await world.AddRelayAsync("r1", With);
            var there = await world.AddRelayAsync("r2", With);
            await world.AddWebAsync("app.example.com", there);
            await FleetWorld.ServesAsync(here, "app.example.com");
            return;
        }

        var relay = world.Start("r1", With);
        for (; ; )
        {
            var lost = await world.Events[relay].NextAsync(EventKind.DirectoryLost);
            Assert.DoesNotContain(Password, lost.Message, StringComparison.Ordinal);
            if (lost.Message.Contains(refusal, StringComparison.Ordinal))
            {
                return;
            }

            // Nothing else is said of it, and that once.
            Assert.Contains("it does not answer in time", lost.Message, StringComparison.Ordinal);
        }
    }
}
