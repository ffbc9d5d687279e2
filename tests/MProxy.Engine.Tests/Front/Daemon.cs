using System.Diagnostics;
using System.Text;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Front;

/// <summary>A program that serves until its test is over.</summary>
internal sealed class Daemon : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    /// <param name="name">The program.</param>
    /// <param name="arguments">So that it stays in the foreground.</param>
    public Daemon(string name, params string[] arguments)
    {
        _process = new Process { StartInfo = Programs.Starting(name, arguments) };
        _process.OutputDataReceived += Take;
        _process.ErrorDataReceived += Take;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it has written so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>It says nothing when it listens: tried until it does.</summary>
    public Task ListensAsync(int port) => UntilAsync(async () =>
    {
        try
        {
            using var client = await TcpSocket.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    });

    /// <summary>The same for what shows in other ways.</summary>
    public Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    /// <summary>Sends it a signal, by its name without SIG.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start(Programs.Starting("kill", [$"-{name}", $"{_process.Id}"]))!;
        kill.WaitForExit();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task UntilAsync(Func<Task<bool>> condition)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.False(_process.HasExited, $"It has ended: {Output}");
            Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(20), $"It did not come true in time: {Output}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    private void Take(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.Append(line.Data).Append('\n');
        }
    }
}
