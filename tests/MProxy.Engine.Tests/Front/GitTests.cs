using System.Security.Cryptography;

namespace MProxy.Engine.Tests.Front;

/// <summary>A real git that clones from and pushes to a device by name, over HTTP.</summary>
public sealed class GitTests : IAsyncDisposable
{
    private const string Name = "code.test";

    private readonly FrontWorld _world = new();
    private readonly Nginx _nginx = new();
    private Daemon? _gateway;

    private string Folder => _nginx.Folder;

    [Fact]
    public async Task A_repository_is_cloned_and_pushed_to()
    {
        Programs.Need("git", "nginx", "fcgiwrap", "git-http-backend");
        await StartAsync();
        var seed = Path.Combine(Folder, "seed");
        await CommitAsync(seed, 20_000_000, isNew: true);
        await GitAsync(Folder, "clone", "--quiet", "--bare", seed, "project.git");
        await GitAsync(Path.Combine(Folder, "project.git"), "config", "http.receivepack", "true");

        // By name, though no name server knows it.
        var url = $"http://{Name}:{_world.Http}/project.git";
        string[] git = ["-c", $"http.curloptResolve={Name}:{_world.Http}:127.0.0.1"];
        await GitAsync(Folder, [.. git, "clone", "--quiet", url, "copy"]);
        var copy = Path.Combine(Folder, "copy");
        Assert.Equal(await GitAsync(seed, "rev-parse", "HEAD"), await GitAsync(copy, "rev-parse", "HEAD"));
        await GitAsync(copy, "fsck", "--strict");

        // More than git's buffer: it is sent chunked.
        await CommitAsync(copy, 5_000_000, isNew: false);
        await GitAsync(copy, [.. git, "push", "--quiet", "origin", "HEAD:refs/heads/pushed"]);
        Assert.Equal(await GitAsync(copy, "rev-parse", "HEAD"), await GitAsync(Path.Combine(Folder, "project.git"), "rev-parse", "pushed"));
        await GitAsync(Path.Combine(Folder, "project.git"), "fsck", "--strict");
        Assert.Contains(_nginx.Log, line => line.StartsWith($"{Name} POST /project.git/git-receive-pack ", StringComparison.Ordinal));
        Assert.Equal(0, _world.Relay.RefusedCount);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        await _nginx.DisposeAsync();
    }

    private static async Task<string> GitAsync(string folder, params string[] arguments)
    {
        var (code, output, error) = await Programs.RunAsync(
            "git", ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "safe.directory=*", "-c", "init.defaultBranch=main", .. arguments], "", folder);
        Assert.True(code == 0, $"git failed with {code}: {error}");
        return output;
    }

    private static async Task CommitAsync(string folder, int length, bool isNew)
    {
        if (isNew)
        {
            Directory.CreateDirectory(folder);
            await GitAsync(folder, "init", "--quiet");
        }

        await File.WriteAllBytesAsync(Path.Combine(folder, $"file-{length}"), RandomNumberGenerator.GetBytes(length), FrontWorld.Token);
        await GitAsync(folder, "add", ".");
        await GitAsync(folder, "commit", "--quiet", "--message", "more");
    }

    private async Task StartAsync()
    {
        var socket = Path.Combine(Folder, "gateway");
        _gateway = new Daemon("fcgiwrap", "-c", "4", "-s", $"unix:{socket}");
        await _gateway.UntilAsync(() => File.Exists(socket));
        await _nginx.StartAsync(
            "$host $request_method $uri $status",
            "",
            $$"""
            client_max_body_size 0;
                location / {
                  fastcgi_pass unix:{{socket}};
                  fastcgi_param SCRIPT_FILENAME {{Programs.Find("git-http-backend")}};
                  fastcgi_param GIT_PROJECT_ROOT {{Folder}};
                  fastcgi_param GIT_HTTP_EXPORT_ALL 1;
                  fastcgi_param PATH_INFO $uri;
                  fastcgi_param QUERY_STRING $query_string;
                  fastcgi_param REQUEST_METHOD $request_method;
                  fastcgi_param CONTENT_TYPE $content_type;
                  fastcgi_param CONTENT_LENGTH $content_length;
                  fastcgi_param SERVER_PROTOCOL $server_protocol;
                }
            """);
        await _world.AddDeviceAsync($"127.0.0.1:{_nginx.Port}", Name);
    }
}
