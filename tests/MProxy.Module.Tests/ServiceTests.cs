using System.Diagnostics;
using System.Net.Sockets;

namespace MProxy.Module.Tests;

/// <summary>The samples that run a relay as a service: the units, and the script with the signals of a service manager.</summary>
[Collection("engine")]
public sealed class ServiceTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-service");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Samples => Path.Combine(RepositoryFiles.Root, "docs", "samples", "service");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("mproxy-relay.service")]
    [InlineData("mproxy-tunnel.service")]
    public async Task A_unit_is_one_that_systemd_takes(string name)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/systemd-analyze"), "systemd-analyze is not installed.");

        // pwsh is wherever it is: any program does for the check.
        var unit = await File.ReadAllTextAsync(Path.Combine(Samples, name), Token);
        Assert.Contains("/usr/bin/pwsh", unit, StringComparison.Ordinal);
        var path = Path.Combine(_folder.FullName, name);
        await File.WriteAllTextAsync(path, unit.Replace("/usr/bin/pwsh", "/bin/sh", StringComparison.Ordinal), Token);
        var (code, _, told) = await Programs.RunAsync("/usr/bin/systemd-analyze", "verify", path);
        Assert.Equal((0, ""), (code, told));
    }

    [Fact]
    public async Task The_script_starts_reloads_and_stops_a_relay()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no signals on Windows.");
        var secret = Path.Combine(_folder.FullName, "secret");
        await File.WriteAllTextAsync(secret, new string('s', 40), Token);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(secret, UnixFileMode.UserRead);
        }

        var configuration = Path.Combine(_folder.FullName, "relay.psd1");
        await ConfigureAsync(maxClients: 10);
        using var program = Process.Start(new ProcessStartInfo(
            RepositoryFiles.Shell, ["-File", Path.Combine(Samples, "mproxy-relay.ps1"), "-ConfigurationPath", configuration, "-DrainTimeout", "0"])
        {
            WorkingDirectory = RepositoryFiles.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            var started = await ReadAsync();
            Assert.StartsWith("Relay 'sample' listens on tcp://127.0.0.1:", started, StringComparison.Ordinal);
            var port = int.Parse(started[(started.LastIndexOf(':') + 1)..].TrimEnd('.'), System.Globalization.CultureInfo.InvariantCulture);
            using var device = new TcpClient();
            await device.ConnectAsync("127.0.0.1", port, Token);

            await ConfigureAsync(maxClients: 20);
            await SignalAsync("HUP");
            Assert.Equal($"Read '{configuration}' again.", await ReadAsync());
            await File.WriteAllTextAsync(configuration, "@{ Nonsense = 1 }", Token);
            await SignalAsync("HUP");
            Assert.StartsWith("Not read again: ", await ReadAsync(), StringComparison.Ordinal);
            await SignalAsync("TERM");
            string? line;
            do
            {
                line = await ReadAsync();
            }
            while (line != "Stops.");

            await program.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
            Assert.Equal(0, program.ExitCode);
        }
        finally
        {
            if (!program.HasExited)
            {
                program.Kill();
            }
        }

        Task ConfigureAsync(int maxClients) => File.WriteAllTextAsync(
            configuration, $"@{{ Name = 'sample'; Listen = 'tcp://127.0.0.1:0'; Secret = @{{ Path = '{secret}' }}; Limit = @{{ MaxClients = {maxClients} }} }}", Token);

        async Task<string> ReadAsync() => await program.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Token)
            ?? throw new InvalidOperationException(await program.StandardError.ReadToEndAsync(Token));

        async Task SignalAsync(string signal)
        {
            using var kill = Process.Start("kill", [$"-{signal}", $"{program.Id}"]);
            await kill.WaitForExitAsync(Token);
        }
    }
}
