using System.Diagnostics;

namespace MProxy.Module.Tests;

/// <summary>tcpdump captures a link over TLS, and tshark reads it by the key log and the dissector. Without either it sees nothing.</summary>
[Collection("engine")]
public sealed class KeyLogTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string Dissector = Path.Combine(RepositoryFiles.Root, "src", "wireshark", "mproxy.lua");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-keys");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Keys => Path.Combine(_folder.FullName, "keys.log");

    private string Capture => Path.Combine(_folder.FullName, "link.pcap");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("tls")]
    [InlineData("wss")]
    public async Task A_link_over_TLS_is_read_with_its_key_log(string scheme)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no key log on this system.");
        Assert.SkipUnless(File.Exists("/usr/bin/tshark") && File.Exists("/usr/bin/tcpdump") && File.Exists("/usr/bin/openssl"), "tshark, tcpdump and openssl are not installed.");
        var certificate = Path.Combine(_folder.FullName, "relay.pem");
        var (code, _, error) = await Programs.RunAsync("/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout", certificate, "-out", $"{certificate}.crt");
        Assert.True(code == 0, error);
        await File.AppendAllTextAsync(certificate, await File.ReadAllTextAsync($"{certificate}.crt", Token), Token);

        using var service = new EchoService();
        await using var shell = await ShellChild.StartAsync();
        var start = $"$relay = Start-MProxyRelay -Listen {scheme}://127.0.0.1:0 -TcpPort 0 -CertificatePath '{certificate}' -KeyLogPath '{Keys}' -WarningVariable warned -WarningAction SilentlyContinue";
        var port = new Uri(await shell.AskAsync($"{start}; $relay.Listen[0]")).Port;
        Assert.Contains($"Whoever has the key log '{Keys}' can read all TLS of this process", await shell.AskAsync("$warned -join ' '"), StringComparison.Ordinal);
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(Keys) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        using var tcpdump = await CaptureAsync(port);
        try
        {
            await shell.AskAsync($"$tunnel = Start-MProxyTunnel {scheme}://localhost:{port} -Service tcp=127.0.0.1:{service.Port} -SkipCertificateCheck -WarningAction SilentlyContinue; 1");
            Assert.True(await EchoService.TryAskAsync(await shell.CountAsync("$relay.TcpPort[0]")));
            await shell.AskAsync("$tunnel | Stop-MProxyTunnel; $relay | Stop-MProxyRelay; 1");

            var since = Stopwatch.GetTimestamp();
            string[] kinds;
            do
            {
                Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(30), "The capture does not have it all.");
                kinds = await KindsAsync("-o", $"tls.keylog_file:{Keys}");
            }
            while (kinds.Count(kind => kind == "end") < 2);
            output.WriteLine(string.Join(' ', kinds));
            Assert.Equal((1, 2), (kinds.Count(kind => kind == "connection"), kinds.Count(kind => kind == "message")));
            Assert.True(kinds.Count(kind => kind == "control") >= 2);
            Assert.Empty(await KindsAsync());
        }
        finally
        {
            tcpdump.Kill();
        }

        // There is one of them.
        Assert.Contains("has no other beside it", await shell.AskAsync($"try {{ Connect-MProxyRelay tls://127.0.0.1:1 -KeyLogPath '{Keys}.2' -ErrorAction Stop }} catch {{ $_.Exception.Message }}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_that_has_used_TLS_is_told_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There is no key log on this system.");
        await using var shell = await ShellChild.StartAsync();
        await shell.AskAsync("$link = try { Connect-MProxyRelay tls://127.0.0.1:1 -SkipCertificateCheck -ConnectTimeout 1 -ErrorAction Stop -WarningAction SilentlyContinue } catch { $_ }; 1");
        const string Dial = "$context = [Net.Security.SslStream]::new([IO.MemoryStream]::new()); try { $context.AuthenticateAsClient('x') } catch { }; 1";
        await shell.AskAsync(Dial);
        var told = await shell.AskAsync($"try {{ $null = Test-MProxyRelay tls://127.0.0.1:1 -KeyLogPath '{Keys}' -ErrorAction Stop; 'no error' }} catch {{ \"$($_.FullyQualifiedErrorId): $($_.Exception.Message)\" }}");
        Assert.StartsWith("KeyLogUnavailable,", told, StringComparison.Ordinal);
        Assert.Contains("has used TLS before", told, StringComparison.Ordinal);
    }

    private async Task<Process> CaptureAsync(int port)
    {
        var tcpdump = Process.Start(new ProcessStartInfo("/usr/bin/tcpdump", ["-i", "lo", "-s", "0", "-U", "-Z", "root", "-w", Capture, "tcp", "port", $"{port}"]) { RedirectStandardError = true })!;
        while (await tcpdump.StandardError.ReadLineAsync(Token) is { } line && !line.Contains("listening on", StringComparison.Ordinal))
        {
        }

        Assert.False(tcpdump.HasExited, "tcpdump does not capture.");
        return tcpdump;
    }

    private async Task<string[]> KindsAsync(params string[] options)
    {
        var (_, told, _) = await Programs.RunAsync("/usr/bin/tshark", ["-r", Capture, "-X", $"lua_script:{Dissector}", .. options, "-Y", "mproxy", "-T", "fields", "-E", "aggregator= ", "-e", "mproxy.kind"]);
        return told.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
    }
}
