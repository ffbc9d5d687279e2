namespace MProxy.Engine.Tests.Fleet;

/// <summary>A real Redis of three servers, of which each has a third of the keys and none has those of another.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private const int Count = 3;

    private readonly List<RedisServer> _servers = [];

    private RedisCluster()
    {
    }

    public IReadOnlyList<RedisServer> Servers => _servers;

    /// <summary>Two of them, from which the third is to be found.</summary>
    public string Uri => $"redis://127.0.0.1:{_servers[0].Port},127.0.0.1:{_servers[1].Port}";

    /// <summary>Starts one, where it is installed. Else the test is skipped.</summary>
    public static async Task<RedisCluster> StartAsync()
    {
        var cluster = new RedisCluster();
        for (var i = 0; i < Count; i++)
        {
            cluster._servers.Add(await RedisServer.StartAsync(
                "--cluster-enabled", "yes", "--cluster-port", $"{FreePort.Take()}", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no"));
        }

        await cluster._servers[0].AskAsync(["--cluster", "create", .. cluster._servers.Select(server => $"127.0.0.1:{server.Port}"), "--cluster-yes"]);
        await cluster.IsWholeAsync();
        return cluster;
    }

    /// <summary>Waits until each server knows that all of them are there.</summary>
    public async Task IsWholeAsync()
    {
        foreach (var server in _servers)
        {
            await Until.TrueAsync(async () =>
            {
                var said = await server.AskAsync("cluster", "info");
                return said.Contains("cluster_state:ok", StringComparison.Ordinal) && said.Contains("cluster_slots_ok:16384", StringComparison.Ordinal);
            });
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }
}
