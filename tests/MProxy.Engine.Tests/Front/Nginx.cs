using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Front;

/// <summary>A real nginx with a folder of its own.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-nginx");
    private Daemon? _nginx;

    public string Folder => _folder.FullName;

    public int Port { get; } = FreePort.Take();

    /// <summary>What it noted of each request.</summary>
    public string[] Log => File.ReadAllLines(Path.Combine(Folder, "access.log"));

    /// <param name="format">What it notes of each request.</param>
    /// <param name="listen">Behind address and port.</param>
    /// <param name="server">What it does.</param>
    public async Task StartAsync(string format, string listen, string server)
    {
        var config = Path.Combine(Folder, "nginx.conf");
        await File.WriteAllTextAsync(
            config,
            $$"""
            daemon off;
            master_process off;
            pid {{Folder}}/pid;
            error_log stderr;
            events { }
            http {
              log_format test '{{format}}';
              access_log {{Folder}}/access.log test;
              client_body_temp_path {{Folder}}/body;
              proxy_temp_path {{Folder}}/proxy;
              fastcgi_temp_path {{Folder}}/fastcgi;
              uwsgi_temp_path {{Folder}}/uwsgi;
              scgi_temp_path {{Folder}}/scgi;
              server {
                listen 127.0.0.1:{{Port}} {{listen}};
                {{server}}
              }
            }

            """,
            FrontWorld.Token);
        _nginx = new Daemon("nginx", "-e", "stderr", "-p", Folder, "-c", config);
        await _nginx.ListensAsync(Port);
    }

    public async ValueTask DisposeAsync()
    {
        if (_nginx is not null)
        {
            await _nginx.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }
}
