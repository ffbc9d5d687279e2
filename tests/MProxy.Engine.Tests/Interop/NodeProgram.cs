using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Interop;

/// <summary>One of tests/interop: a program on the reference's package, spoken to by lines of JSON. It ends with its test.</summary>
internal sealed class NodeProgram : IAsyncDisposable
{
    private static readonly string Folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "interop"));

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly Task<string> _errors;

    private NodeProgram(string script)
    {
        _process = Process.Start(Programs.Starting("node", [Path.Combine(Folder, script)]))!;
        _errors = _process.StandardError.ReadToEndAsync(CancellationToken.None);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Skips the test where there is no Node, or where what it needs was not installed.</summary>
    public static NodeProgram Start(string script)
    {
        Programs.Need("node");
        Assert.SkipUnless(Directory.Exists(Path.Combine(Folder, "node_modules", "proxy-packer")), "npm ci was not run in tests/interop.");
        return new NodeProgram(script);
    }

    /// <summary>Starts one, and tells it its options.</summary>
    public static async Task<NodeProgram> StartAsync(string script, object options)
    {
        var program = Start(script);
        await program.SayAsync(options);
        return program;
    }

    public Task SayAsync(object line) => SayAsync(JsonSerializer.Serialize(line));

    public async Task<JsonElement> AskAsync(object line)
    {
        await SayAsync(line);
        return await NextAsync();
    }

    /// <summary>The next that has happened of this kind; others are passed over.</summary>
    public async Task<JsonElement> NextAsync(string happened)
    {
        for (; ; )
        {
            var next = await NextAsync();
            if (next.GetProperty("event").GetString() == happened)
            {
                return next;
            }
        }
    }

    /// <summary>The next control message that is a command of this name.</summary>
    public async Task<JsonElement> CommandAsync(string name)
    {
        for (; ; )
        {
            var message = (await NextAsync("control")).GetProperty("message");
            if (message[0].ValueKind == JsonValueKind.String && message[0].GetString() == name)
            {
                return message;
            }
        }
    }

    /// <summary>Ends it as a machine does that loses its power.</summary>
    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            try
            {
                // What it said last has to be read for that.
                _ = _process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience, CancellationToken.None);
            }
            catch (TimeoutException)
            {
                _process.Kill();
            }
        }

        _process.Dispose();
    }

    private async Task SayAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line.AsMemory(), Token);
        await _process.StandardInput.FlushAsync(Token);
    }

    private async Task<JsonElement> NextAsync()
    {
        var line = await _process.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(Patience, Token);
        return line is null ? throw new IOException($"It has ended: {await _errors}") : JsonDocument.Parse(line).RootElement;
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
