using System.Diagnostics;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests;

/// <summary>The trials of tests/MProxy.Trials, short: their processes are started as anybody would, and what they say is this test's output.</summary>
[Collection("measured")]
public sealed class TrialTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("load --idle 1000 --active 200 --links 100 --seconds 60")]
    [InlineData("kill --seconds 30")]
    [InlineData("fleet --seconds 40")]
    public async Task Nothing_is_lost_or_left(string arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "They count in /proc.");
        if (arguments.StartsWith("fleet", StringComparison.Ordinal))
        {
            Programs.Need("redis-server", "redis-cli");
        }

        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "MProxy.Trials"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var trial = Process.Start(start)!;
        try
        {
            var said = trial.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var faults = await trial.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            output.WriteLine(await said);
            await trial.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal((0, ""), (trial.ExitCode, faults));
        }
        finally
        {
            // Its own end takes its processes with it.
            trial.Kill(entireProcessTree: true);
        }
    }
}
