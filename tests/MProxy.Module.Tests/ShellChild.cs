using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace MProxy.Module.Tests;

/// <summary>The Shell as a process that answers one line of PowerShell with one line, until its test is over. It may be started by programs that change what it has.</summary>
internal sealed class ShellChild : IAsyncDisposable
{
    private const string Loop = "while ($line = [Console]::In.ReadLine()) { try { '= ' + (. ([scriptblock]::Create($line))) } catch { \"! $_\" } }";

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _errors = [];

    private ShellChild(Process process) => _process = process;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public int Id => _process.Id;

    /// <summary>Processor time that it has taken so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>How many files and sockets it has open.</summary>
    public int DescriptorCount => Directory.GetFileSystemEntries($"/proc/{Id}/fd").Length;

    /// <summary>A path as it sees it, for who is outside of its mounts.</summary>
    public string PathOf(string path) => $"/proc/{Id}/root{path}";

    /// <param name="before">A script of sh that runs first, as the same process; nothing unless given.</param>
    public static async Task<ShellChild> StartAsync(string before = "")
    {
        var start = new ProcessStartInfo(before.Length == 0 ? RepositoryFiles.Shell : "/usr/bin/unshare", before.Length == 0
            ? ["-Command", Loop]
            : ["--mount", "/bin/sh", "-ec", $"{before}\nexec \"$@\"", "sh", RepositoryFiles.Shell, "-Command", Loop])
        {
            WorkingDirectory = RepositoryFiles.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var child = new ShellChild(Process.Start(start)!);
        child._process.ErrorDataReceived += (_, line) => child._errors.Enqueue(line.Data ?? "");
        child._process.BeginErrorReadLine();
        await child.AskAsync("$null = Import-Module ./MProxy.psd1; 1");
        return child;
    }

    /// <summary>Has it run a line.</summary>
    /// <returns>What came of it, as text.</returns>
    public async Task<string> AskAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line.AsMemory(), Token);
        await _process.StandardInput.FlushAsync(Token);
        var answer = await _process.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Token);
        Assert.True(answer?.StartsWith("= ", StringComparison.Ordinal), $"'{line}' came to: {answer ?? $"its end. {string.Join(' ', _errors.TakeLast(20))}"}");
        return answer![2..];
    }

    public async Task<int> CountAsync(string line) => int.Parse(await AskAsync(line), CultureInfo.InvariantCulture);

    /// <summary>Asks again and again until it is so.</summary>
    public async Task UntilAsync(string condition)
    {
        var since = Stopwatch.GetTimestamp();
        while (await AskAsync(condition) != "True")
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(20), $"It did not come true in time: {condition}");
        }
    }

    /// <summary>From now on it may have so many descriptors.</summary>
    public async Task LimitDescriptorsAsync(int count)
    {
        // PowerShell compiles what has run often, and loads libraries for that: without descriptors it would end.
        for (var round = 0; round < 100; round++)
        {
            await AskAsync("(1 -eq 10) -or (1 -le 80)");
        }

        var (code, _, error) = await Programs.RunAsync("/usr/bin/prlimit", $"--pid={Id}", $"--nofile={count}:{count}");
        Assert.True(code == 0, error);
    }

    /// <summary>Has it end in order.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token);
        return _process.ExitCode;
    }

    /// <summary>It is ended by its own id where it has not ended in order.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            try
            {
                await EndAsync();
            }
            catch (Exception error) when (error is TimeoutException or OperationCanceledException)
            {
                _process.Kill();
            }
        }

        _process.Dispose();
    }
}
