using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>A real Redis with a port and folder of its own, which keeps nothing on disk.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-redis");
    private Daemon? _server;

    public int Port { get; } = FreePort.Take();

    public string Uri => $"redis://127.0.0.1:{Port}";

    /// <summary>Starts one, where it is installed. Else the test is skipped.</summary>
    public static async Task<RedisServer> StartAsync()
    {
        Programs.Need("redis-server", "redis-cli");
        var server = new RedisServer();
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts it, with nothing in it.</summary>
    public Task StartAgainAsync()
    {
        _server = new Daemon("redis-server", "--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", _folder.FullName);
        return _server.ListensAsync(Port);
    }

    /// <summary>Its power goes: nothing that it held is left.</summary>
    public async Task KillAsync() => await _server!.DisposeAsync();

    /// <summary>It stands still, and its connections with it.</summary>
    public void Pause() => _server!.Signal("STOP");

    public void GoOn() => _server!.Signal("CONT");

    /// <summary>What redis-cli says to a command.</summary>
    public Task<string> AskAsync(params string[] command) => Programs.OutputAsync("redis-cli", ["-p", $"{Port}", .. command]);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }
}
