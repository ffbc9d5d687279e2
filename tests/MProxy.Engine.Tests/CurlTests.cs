using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;

namespace MProxy.Engine.Tests;

/// <summary>A real client and a real HTTP server with a relay and a tunnel between them.</summary>
public sealed class CurlTests : IAsyncDisposable
{
    private readonly HttpListener _web = new();
    private readonly TaskSet _requests = new(new ResourceLedger());

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 200_000_000)]
    [InlineData(100, 300_000)]
    public async Task Downloads_arrive_whole(int parallel, int length)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/curl"), "curl is not installed.");
        var page = RandomNumberGenerator.GetBytes(length);
        var port = StartWeb(page);
        await using var relay = RelayServer.Start(new RelayOptions { Name = "curl", Listen = [CarrierUri.Parse("tcp://127.0.0.1:0")], TcpPort = [0] });
        await using var tunnel = await Tunnel.StartAsync(
            new TunnelOptions { Name = "curl", Relays = [new DeviceLinkOptions { Relay = relay.Listen[0] }], Service = new ServiceMap([new("tcp", new LocalTarget("127.0.0.1", port))]) },
            cancellationToken: Token);
        var hashes = await Task.WhenAll(Enumerable.Range(0, parallel).Select(_ => CurlAsync($"http://127.0.0.1:{relay.TcpPort[0]}/")));
        var expected = Convert.ToHexString(SHA256.HashData(page));
        Assert.All(hashes, hash => Assert.Equal(expected, hash));
    }

    public async ValueTask DisposeAsync()
    {
        _web.Close();
        await _requests.WhenEmptyAsync();
    }

    private static async Task<string> CurlAsync(string url)
    {
        using var curl = Process.Start(new ProcessStartInfo("/usr/bin/curl", ["--silent", "--show-error", "--max-time", "120", url]) { RedirectStandardOutput = true })!;
        var hash = Convert.ToHexString(await SHA256.HashDataAsync(curl.StandardOutput.BaseStream, Token));
        await curl.WaitForExitAsync(Token);
        return $"{(curl.ExitCode == 0 ? "" : $"curl failed with {curl.ExitCode}: ")}{hash}";
    }

    private int StartWeb(byte[] page)
    {
        var port = FreePort.Take();

        _web.Prefixes.Add($"http://127.0.0.1:{port}/");
        _web.Start();
        _requests.Run(async () =>
        {
            while (_web.IsListening)
            {
                try
                {
                    var context = await _web.GetContextAsync();
                    _requests.Run(() => AnswerAsync(context, page));
                }
                catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }
            }
        });
        return port;
    }

    private static async Task AnswerAsync(HttpListenerContext context, byte[] page)
    {
        context.Response.ContentLength64 = page.Length;
        await context.Response.OutputStream.WriteAsync(page, Token);
        context.Response.Close();
    }
}
