using System.Security.Cryptography;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Front;

/// <summary>A real ssh through a port of raw TCP, and through one where it is told apart from TLS and HTTP by its first bytes.</summary>
public sealed class SshTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-ssh");
    private readonly FrontWorld _world = new();
    private Daemon? _sshd;

    private string Key => Path.Combine(_folder.FullName, "key");

    [Theory]
    [InlineData("Tcp")]
    [InlineData("Mixed")]
    public async Task A_command_runs_and_a_file_of_100_MB_arrives_whole_both_ways(string kind)
    {
        Programs.Need("ssh", "scp", "sshd", "ssh-keygen");
        await StartAsync();
        var port = $"{_world.PortOf(kind)}";
        Assert.Equal("hello\n", await Programs.OutputAsync("ssh", ["-p", port, .. Options(), "127.0.0.1", "echo hello"]));

        var file = Path.Combine(_folder.FullName, "file");
        var hash = await WriteAsync(file, 100);
        await Programs.OutputAsync("scp", ["-P", port, .. Options(), file, $"127.0.0.1:{file}.there"]);
        Assert.Equal(hash, await HashAsync($"{file}.there"));
        await Programs.OutputAsync("scp", ["-P", port, .. Options(), $"127.0.0.1:{file}.there", $"{file}.back"]);
        Assert.Equal(hash, await HashAsync($"{file}.back"));
        Assert.Equal(0, _world.Relay.RefusedCount);
    }

    [Fact]
    public async Task What_a_command_gets_and_says_passes_both_ways_at_once()
    {
        Programs.Need("ssh", "sshd", "ssh-keygen");
        await StartAsync();
        var input = string.Concat(Enumerable.Range(0, 100_000).Select(i => $"line {i}\n"));
        var (code, output, error) = await Programs.RunAsync("ssh", ["-p", $"{_world.Mixed}", .. Options(), "127.0.0.1", "cat; echo the end; exit 7"], input);
        Assert.True(code == 7, error);
        Assert.Equal($"{input}the end\n", output);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        if (_sshd is not null)
        {
            await _sshd.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    private static async Task<string> WriteAsync(string file, int megabytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var stream = File.Create(file);
        for (var i = 0; i < megabytes; i++)
        {
            var bytes = RandomNumberGenerator.GetBytes(1_000_000);
            hash.AppendData(bytes);
            await stream.WriteAsync(bytes, FrontWorld.Token);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static async Task<string> HashAsync(string file)
    {
        await using var stream = File.OpenRead(file);
        return Convert.ToHexString(await SHA256.HashDataAsync(stream, FrontWorld.Token));
    }

    private string[] Options() =>
    [
        "-F", "none", "-i", Key, "-o", "User=" + Environment.UserName, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR",
        "-o", "StrictHostKeyChecking=yes", "-o", $"UserKnownHostsFile={Path.Combine(_folder.FullName, "known")}", "-o", "HostKeyAlias=device",
    ];

    private async Task StartAsync()
    {
        await Programs.OutputAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Key);
        var hostKey = Path.Combine(_folder.FullName, "host");
        await Programs.OutputAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostKey);

        // The key of the device's sshd and no other: the relay in between has none.
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "known"), $"device {await File.ReadAllTextAsync($"{hostKey}.pub", FrontWorld.Token)}", FrontWorld.Token);
        var port = FreePort.Take();
        var config = Path.Combine(_folder.FullName, "sshd_config");
        await File.WriteAllTextAsync(
            config,
            $"""
            ListenAddress 127.0.0.1:{port}
            HostKey {hostKey}
            AuthorizedKeysFile {Key}.pub
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            Subsystem sftp internal-sftp

            """,
            FrontWorld.Token);
        if (Environment.UserName == "root")
        {
            // Without its empty folder, sshd does not start as root.
            Directory.CreateDirectory("/run/sshd");
        }

        _sshd = new Daemon("sshd", "-D", "-e", "-f", config);
        await _sshd.ListensAsync(port);
        await _world.AddDeviceAsync($"127.0.0.1:{port}", [], [_world.Tcp, _world.Mixed]);
    }
}
