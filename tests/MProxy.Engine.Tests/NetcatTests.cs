using System.Diagnostics;
using System.Net.Sockets;

namespace MProxy.Engine.Tests;

/// <summary>A real client that ends its side first: it gets the whole answer all the same.</summary>
public class NetcatTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(5_000_000)]
    public async Task A_half_closed_client_gets_the_full_answer(int length)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/nc") || File.Exists("/bin/nc"), "netcat-openbsd is not installed.");
        var answer = new byte[length];
        Random.Shared.NextBytes(answer);
        await using var world = await World.StartAsync(async local =>
        {
            // The service answers when it has seen the end of the question, and not before.
            Assert.Equal("question", System.Text.Encoding.ASCII.GetString(await LocalService.ReadAllAsync(local)));
            await LocalService.SendAllAsync(local, answer, length);
        });
        using var nc = Process.Start(new ProcessStartInfo("nc", ["-N", "127.0.0.1", $"{world.Relay.TcpPort[0]}"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        using var output = new MemoryStream();
        var reading = nc.StandardOutput.BaseStream.CopyToAsync(output, Token);
        await nc.StandardInput.WriteAsync("question");
        nc.StandardInput.Close();
        await reading;
        await nc.WaitForExitAsync(Token);
        Assert.Equal(answer, output.ToArray());
    }
}
