using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;
using MProxy.Engine.ProxyProtocol;
using MProxy.Engine.Tests.Carriers;

namespace MProxy.Engine.Tests;

/// <summary>A real HAProxy on loopback: what it writes is read here, and what is written here it reads.</summary>
public sealed class HaproxyTests : IDisposable
{
    private const string Program = "/usr/sbin/haproxy";

    private readonly Socket _server = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-haproxy");
    private Process? _haproxy;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1", "send-proxy", "V1")]
    [InlineData("127.0.0.1", "send-proxy-v2", "V2")]
    [InlineData("127.0.0.1", "send-proxy-v2 proxy-v2-options crc32c,unique-id", "V2")]
    [InlineData("ipv6@::ffff:127.0.0.1", "send-proxy", "V1")]
    [InlineData("ipv6@::ffff:127.0.0.1", "send-proxy-v2 proxy-v2-options crc32c", "V2")]
    public async Task What_it_sends_is_read(string address, string options, string version)
    {
        Assert.SkipUnless(File.Exists(Program), "haproxy is not installed.");
        var port = Start(address, "", options);
        using var client = await ConnectAsync(port);
        await client.SendAsync("hello"u8.ToArray(), Token);
        var (header, behind) = await AcceptAsync(5);
        Assert.Equal(version, $"{header.Version}");
        Assert.Equal(SocketEndPoints.Local(client), header.Source);
        Assert.Equal(SocketEndPoints.Remote(client), header.Destination);
        Assert.Equal("hello"u8, behind);
    }

    [Fact]
    public async Task The_name_that_a_client_asks_for_is_read()
    {
        Assert.SkipUnless(File.Exists(Program), "haproxy is not installed.");
        var certificate = TestCertificate.Relay;
        using var key = certificate.GetECDsaPrivateKey()!;
        var pem = Path.Combine(_folder.FullName, "relay.pem");
        await File.WriteAllTextAsync(pem, $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n", Token);
        var port = Start("127.0.0.1", $"ssl crt {pem}", "send-proxy-v2 proxy-v2-options ssl,authority,crc32c");
        using var client = await ConnectAsync(port);
        await using var tls = new SslStream(new NetworkStream(client), leaveInnerStreamOpen: false, (_, shown, _, _) => shown?.GetCertHashString() == certificate.Thumbprint);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "printer.example" }, Token);
        await tls.WriteAsync("hello"u8.ToArray(), Token);
        var (header, behind) = await AcceptAsync(5);
        Assert.Equal("printer.example", header.Authority);
        Assert.Equal(SocketEndPoints.Local(client), header.Source);
        Assert.Equal("hello"u8, behind);
    }

    [Theory]
    [InlineData("V1", "192.0.2.7:1234", "198.51.100.1:443")]
    [InlineData("V1", "[2001:db8::7]:1234", "[2001:db8::1]:443")]
    [InlineData("V1", "192.0.2.7:1234", "[2001:db8::1]:443")]
    [InlineData("V2", "192.0.2.7:1234", "198.51.100.1:443")]
    [InlineData("V2", "[2001:db8::7]:1234", "192.0.2.1:443")]
    public async Task What_is_sent_to_it_comes_through(string version, string source, string destination)
    {
        Assert.SkipUnless(File.Exists(Program), "haproxy is not installed.");
        var port = Start("127.0.0.1", "accept-proxy", "send-proxy-v2 proxy-v2-options authority");
        using var client = await ConnectAsync(port);
        byte[] sent =
        [
            .. ProxyHeaderWriter.Write(Enum.Parse<ProxyProtocolVersion>(version), IPEndPoint.Parse(source), IPEndPoint.Parse(destination), "printer.example"),
            .. "hello"u8,
        ];
        await client.SendAsync(sent, Token);
        var (header, behind) = await AcceptAsync(5);
        Assert.Equal(IPEndPoint.Parse(source), header.Source);
        Assert.Equal(IPEndPoint.Parse(destination), header.Destination);
        Assert.Equal(version == "V2" ? "printer.example" : null, header.Authority);
        Assert.Equal("hello"u8, behind);
    }

    public void Dispose()
    {
        _haproxy?.Kill();
        _haproxy?.WaitForExit();
        _haproxy?.Dispose();
        _server.Dispose();
        _folder.Delete(recursive: true);
    }

    private int Start(string address, string bindOptions, string serverOptions)
    {
        var port = FreePort.Take();

        var config = Path.Combine(_folder.FullName, "haproxy.cfg");
        File.WriteAllText(config, $"""
            defaults
              mode tcp
              timeout connect 10s
              timeout client 10s
              timeout server 10s
            listen test
              unique-id-format %pid
              bind {address}:{port} {bindOptions}
              server test {_server.LocalEndPoint} {serverOptions}

            """);
        _haproxy = Process.Start(new ProcessStartInfo(Program, ["-db", "-q", "-f", config]))!;
        return port;
    }

    /// <summary>It says nothing when it listens: tried until it does, within the test's own time-out.</summary>
    private async Task<Socket> ConnectAsync(int port)
    {
        for (; ; )
        {
            try
            {
                return await TcpSocket.ConnectAsync("127.0.0.1", port, Token);
            }
            catch (SocketException)
            {
                Assert.False(_haproxy!.HasExited, "haproxy has ended: its output says why.");
                await Task.Delay(20, Token);
            }
        }
    }

    private async Task<(ProxyHeader Header, byte[] Behind)> AcceptAsync(int length)
    {
        using var socket = await _server.AcceptAsync(Token);
        List<byte> all = [];
        var one = new byte[1];
        for (; ; )
        {
            await LocalService.ReadExactlyAsync(socket, one);
            all.Add(one[0]);
            var (status, header) = ProxyHeaderReader.Read(all.ToArray());
            if (header is not null)
            {
                var behind = new byte[length];
                await LocalService.ReadExactlyAsync(socket, behind);
                return (header, behind);
            }

            Assert.Equal(ProxyHeaderStatus.Incomplete, status);
        }
    }
}
