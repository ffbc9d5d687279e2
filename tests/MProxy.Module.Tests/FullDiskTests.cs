using System.Text.Json;

namespace MProxy.Module.Tests;

/// <summary>A disk that is really full, in a mount namespace of the Shell's own.</summary>
[Collection("engine")]
public sealed class FullDiskTests(ITestOutputHelper output) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-disk");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_access_log_loses_lines_is_told_of_once_and_goes_on_when_there_is_room()
    {
        await using var shell = await StartAsync();
        using var service = new EchoService();
        var port = await ServeAsync(shell, service, $"-AccessLogPath {_folder.FullName}/access.log");
        await AskAsync(port, 20);
        await shell.UntilAsync($"@([IO.File]::ReadAllLines('{_folder.FullName}/access.log')).Count -eq 20");
        Fill(shell);
        var asked = 20;
        for (; await shell.AskAsync("$relay.UnloggedCount -gt 50") != "True"; asked += 50)
        {
            Assert.InRange(asked, 0, 5_000);
            await AskAsync(port, 50);
        }

        var told = await TroubleAsync(shell, "AccessLogFailed");
        output.WriteLine($"After {asked} clients: {told}");
        Assert.Contains("loses lines", told, StringComparison.Ordinal);
        Assert.Contains("No space left on device", told, StringComparison.Ordinal);
        Assert.DoesNotContain(" | ", told, StringComparison.Ordinal);

        // There is room again: a second later at most lines are written, and the first says how many are missing.
        File.Delete(shell.PathOf($"{_folder.FullName}/filler"));
        var lost = await shell.CountAsync("$relay.UnloggedCount");
        for (int last = -1; last != lost; asked++)
        {
            await AskAsync(port, 1);
            await shell.UntilAsync("$relay.ClientCount -eq 0");
            (last, lost) = (lost, await shell.CountAsync("$relay.UnloggedCount"));
        }

        await AskAsync(port, 30);
        asked += 30;
        lost = await StopAsync(shell);
        var lines = ReadLines(shell, "access.log");
        var missing = lines.Where(line => line.TryGetProperty("dropped", out _)).Sum(line => line.GetProperty("dropped").GetInt32());
        var clients = lines.Count(line => line.TryGetProperty("end", out _));
        output.WriteLine($"{asked} clients: {clients} lines, {missing} told as missing.");
        Assert.Equal((asked, lost), (clients + missing, missing));
        Assert.True(clients >= 50, "Nothing was written behind the trouble.");
    }

    [Fact]
    public async Task A_capture_ends_at_a_whole_frame_is_told_of_once_and_clients_are_served_on()
    {
        await using var shell = await StartAsync();
        using var service = new EchoService();
        var port = await ServeAsync(shell, service, $"-CapturePath {_folder.FullName}/capture");
        await AskAsync(port, 20);
        Fill(shell);
        var asked = 20;
        for (; await TroubleAsync(shell, "CaptureStopped") == ""; asked += 50)
        {
            Assert.InRange(asked, 0, 5_000);
            await AskAsync(port, 50);
        }

        // What it has is whole, and it does not begin again: half of a link would look like a whole one.
        await AskAsync(port, 50);
        File.Delete(shell.PathOf($"{_folder.FullName}/filler"));
        var length = new FileInfo(shell.PathOf($"{_folder.FullName}/capture")).Length;
        await AskAsync(port, 50);
        var told = await TroubleAsync(shell, "CaptureStopped");
        output.WriteLine($"After {asked} clients and {length} bytes: {told}");
        Assert.Contains("No space left on device", told, StringComparison.Ordinal);
        Assert.DoesNotContain(" | ", told, StringComparison.Ordinal);
        Assert.Equal(length, new FileInfo(shell.PathOf($"{_folder.FullName}/capture")).Length);
        var frames = ReadLines(shell, "capture.times").Count;
        Assert.Equal(frames, await shell.CountAsync($"@([IO.File]::ReadAllBytes('{_folder.FullName}/capture') | ConvertFrom-MProxyStream).Count"));
        await StopAsync(shell);
    }

    /// <summary>A Shell whose folder is a disk of 64 KiB, which nobody else sees.</summary>
    private async Task<ShellChild> StartAsync()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/unshare"), "unshare is not installed.");
        var (code, _, error) = await Programs.RunAsync("/usr/bin/unshare", "--mount", "/bin/sh", "-c", $"mount -t tmpfs none {_folder.FullName}");
        Assert.SkipUnless(code == 0, $"No disk can be mounted here: {error.Trim()}");
        return await ShellChild.StartAsync($"mount -t tmpfs -o size=64k none {_folder.FullName}");
    }

    /// <summary>A relay and a tunnel in the Shell.</summary>
    /// <returns>The relay's port for clients.</returns>
    private static async Task<int> ServeAsync(ShellChild shell, EchoService service, string options)
    {
        var listen = await shell.AskAsync($"$relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -WarningAction SilentlyContinue {options}; $relay.Listen[0]");
        await shell.AskAsync($"$tunnel = Start-MProxyTunnel {listen} -Service tcp=127.0.0.1:{service.Port}; 1");
        return await shell.CountAsync("$relay.TcpPort[0]");
    }

    /// <returns>How many lines are missing in the access log.</returns>
    private static async Task<int> StopAsync(ShellChild shell)
    {
        await shell.AskAsync("$tunnel | Stop-MProxyTunnel; $relay | Stop-MProxyRelay; 1");
        return await shell.CountAsync("$relay.UnloggedCount");
    }

    /// <summary>All that was told of a kind so far.</summary>
    private static Task<string> TroubleAsync(ShellChild shell, string kind) =>
        shell.AskAsync($"($relay | Receive-Job -Keep | Where-Object Kind -eq {kind} | ForEach-Object Message) -join ' | '");

    private static async Task AskAsync(int port, int count)
    {
        for (var number = 0; number < count; number++)
        {
            Assert.True(await EchoService.TryAskAsync(port), "A client was not served.");
        }
    }

    /// <summary>Nothing more fits, not a byte.</summary>
    private void Fill(ShellChild shell)
    {
        using var filler = new FileStream(shell.PathOf($"{_folder.FullName}/filler"), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        Assert.Contains("No space left", Assert.Throws<IOException>(WriteForEver).Message, StringComparison.Ordinal);

        void WriteForEver()
        {
            for (; ; )
            {
                filler.Write(new byte[1024]);
            }
        }
    }

    /// <summary>All lines of a file, of which each is whole.</summary>
    private List<JsonElement> ReadLines(ShellChild shell, string name) =>
        [.. File.ReadAllLines(shell.PathOf($"{_folder.FullName}/{name}")).Select(line => JsonDocument.Parse(line).RootElement)];
}
