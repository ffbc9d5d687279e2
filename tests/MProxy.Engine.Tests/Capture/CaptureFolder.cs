using MProxy.Engine.Capture;

namespace MProxy.Engine.Tests.Capture;

/// <summary>A folder for the captures of a test.</summary>
internal sealed class CaptureFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("mproxy-capture-").FullName;

    public string this[string name] => Path.Combine(_path, name);

    public string[] Files => [.. Directory.GetFiles(_path).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    public LinkCapture Open(string name, Func<CaptureOptions, CaptureOptions>? options = null, TimeProvider? time = null) =>
        LinkCapture.Open((options ?? (all => all))(new CaptureOptions { Path = this[name] }), time);

    /// <summary>A world whose relay and device are captured in files of these names; what was opened is let go of, so that they end with it.</summary>
    public async Task<World> StartWorldAsync(Func<System.Net.Sockets.Socket, Task> serve, Func<CaptureOptions, CaptureOptions>? options = null)
    {
        await using var relay = Open("relay", options);
        await using var device = Open("device", options);
        return await World.StartAsync(serve, new WorldOptions { Relay = all => all with { Capture = relay }, Device = all => all with { Capture = device } });
    }

    public CaptureContent Read(string name) => CaptureContent.Read(File.ReadAllBytes(this[name]), File.ReadAllBytes(this[name] + ".times"));

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
