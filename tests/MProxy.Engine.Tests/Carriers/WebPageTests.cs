using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Tokens;

namespace MProxy.Engine.Tests.Carriers;

/// <summary>A page in a browser on the relay's machine can open a WebSocket to it, which must not make it a device.</summary>
public class WebPageTests
{
    private static readonly string FromPage = RawWebSocket.Request(more: "Origin: https://page.example\r\n");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Origin: https://page.example\r\n")]
    [InlineData("origin: null\r\n")]
    [InlineData("Origin:\r\n")]
    [InlineData("Origin: a\r\nOrigin: b\r\n")]
    public async Task A_page_is_no_device_where_everybody_on_the_machine_is_let_in(string origin)
    {
        await using var relay = RelayServer.Start(WorldOptions.Relays("ws://127.0.0.1:0"));
        Assert.StartsWith("HTTP/1.1 403 ", await AskAsync(relay, RawWebSocket.Request(more: origin)), StringComparison.Ordinal);
        Assert.Equal(0, relay.LinkCount);

        // What says nothing of a page is no page.
        Assert.StartsWith("HTTP/1.1 101 ", await AskAsync(relay, RawWebSocket.Request()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_may_be_a_device_where_a_token_is_asked_for()
    {
        await using var relay = RelayServer.Start(WorldOptions.Relays("ws://127.0.0.1:0") with { Keys = [Forge.SecretKey] });
        Assert.StartsWith("HTTP/1.1 101 ", await AskAsync(relay, FromPage), StringComparison.Ordinal);

        // Other options make another handshake, which asks for tokens all the same.
        relay.Change(options => options with { Carrier = options.Carrier with { HandshakeTimeout = TimeSpan.FromSeconds(20) } });
        Assert.StartsWith("HTTP/1.1 101 ", await AskAsync(relay, FromPage), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_may_be_a_device_where_a_certificate_is_asked_for()
    {
        using var own = TestCertificate.SelfSigned("page");
        await using var relay = RelayServer.Start(WorldOptions.Relays("wss://127.0.0.1:0"));
        Assert.StartsWith("HTTP/1.1 403 ", await AskAsync(relay, FromPage, own), StringComparison.Ordinal);
        relay.Change(options => options with { Carrier = options.Carrier with { ClientThumbprint = [CertificatePins.Sha256(own)] } });
        Assert.StartsWith("HTTP/1.1 101 ", await AskAsync(relay, FromPage, own), StringComparison.Ordinal);
    }

    /// <summary>The first bytes of the answer, over TLS where there is a certificate to show.</summary>
    private static async Task<string> AskAsync(RelayServer relay, string request, X509Certificate2? certificate = null)
    {
        using var socket = await TcpSocket.ConnectAsync("127.0.0.1", ((IPEndPoint)relay.Listen[0].ToEndPoint()).Port, Token);
        Stream stream = new NetworkStream(socket);
        if (certificate is not null)
        {
            var secure = new SslStream(stream);
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate, RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.Equals(TestCertificate.Relay) }, Token);
            stream = secure;
        }

        await using (stream)
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request), Token);
            var start = new byte["HTTP/1.1 101 ".Length];
            await stream.ReadExactlyAsync(start, Token);
            return Encoding.Latin1.GetString(start);
        }
    }
}
