using MProxy.Engine.Capture;
using MProxy.Engine.Device;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Capture;

/// <summary>What a disk or a peer does to a capture stays there: links go on, and the file can be read.</summary>
public sealed class CaptureDiskTests : IDisposable
{
    private static readonly FrameMeta Client = new() { Family = "IPv4", Address = "192.0.2.1", Port = 1, Service = "tcp" };

    private readonly CaptureFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_slow_disk_costs_whole_frames_which_are_counted_and_holds_up_nobody()
    {
        using var disk = new StuckStream();
        using var times = new MemoryStream();
        var capture = Open(disk, times, new CaptureOptions { Path = "slow", QueueBound = 20_000 });
        var tap = capture.Tap("test");
        tap.Received(Message(0));
        await disk.Reached.WaitAsync(TimeSpan.FromSeconds(20), Token);

        // The disk is stuck with the first, and the next are as many as fit.
        for (var i = 1; i < 100; i++)
        {
            tap.Received(Message(i));
        }

        disk.Release();
        await Until.TrueAsync(() => disk.Length >= 10_000);

        tap.Received(Message(200));
        await capture.DisposeAsync();
        var content = CaptureContent.Read(disk.ToArray(), times.ToArray());
        var note = Assert.Single(content.Notes);
        var kept = content.Frames.Select(frame => (int)frame.Data[0]).ToArray();
        Assert.Equal(100, kept.Length - 1 + note.GetProperty("dropped").GetInt32());
        Assert.InRange(kept.Length, 5, 30);
        Assert.Equal([.. Enumerable.Range(0, kept.Length - 1), 200], kept);
        Assert.Equal(content.Frames[^1].Offset, note.GetProperty("offset").GetInt64());
    }

    [Fact]
    public async Task What_is_left_out_last_of_all_is_counted_too()
    {
        using var disk = new StuckStream();
        using var times = new MemoryStream();
        var capture = Open(disk, times, new CaptureOptions { Path = "slow", QueueBound = 100 });
        capture.Tap("test").Received(Message(0));
        disk.Release();
        await capture.DisposeAsync();
        Assert.Equal(1, Assert.Single(CaptureContent.Read(disk.ToArray(), times.ToArray()).Notes).GetProperty("dropped").GetInt32());
    }

    [Fact]
    public async Task A_disk_that_fails_ends_the_capture_at_a_whole_frame_and_is_told_once()
    {
        using var disk = new StuckStream { FailsFrom = 5000 };
        using var times = new MemoryStream();
        var told = new List<string>();
        disk.Release();
        var capture = Open(disk, times, new CaptureOptions { Path = "broken" });
        var use = capture.Join(told.Add);
        var tap = capture.Tap("test");
        for (var i = 0; i < 50; i++)
        {
            tap.Received(Message(i));
            await Task.Yield();
        }

        await use.DisposeAsync();
        await capture.DisposeAsync();
        Assert.Contains("no space", Assert.Single(told), StringComparison.Ordinal);
        CaptureContent.Read(disk.ToArray(), times.ToArray());
        tap.Received(Message(1));
    }

    [Fact]
    public async Task A_disk_that_fails_ends_no_link()
    {
        using var disk = new StuckStream { FailsFrom = 0 };
        using var times = new MemoryStream();
        disk.Release();
        await using var world = new MemoryWorld();
        var events = new EventLog();
        var capture = Open(disk, times, new CaptureOptions { Path = "broken" });
        var link = await DeviceLink.ConnectAsync(world.Options() with { Capture = capture }, world.Time, Token);
        link.EventRaised += events.Take;
        await capture.DisposeAsync();
        Assert.True((await link.SendControlAsync("ping", [], Token)).Success);
        Assert.Equal(LinkState.Connected, link.State);
        await link.DisposeAsync();
        Assert.Empty(times.ToArray());
    }

    [Fact]
    public async Task A_disk_that_is_stuck_holds_up_an_end_for_a_while_only_and_is_told()
    {
        using var disk = new StuckStream();
        using var times = new MemoryStream();
        await using var world = new MemoryWorld();
        var events = new EventLog();
        var capture = Open(disk, times, new CaptureOptions { Path = "stuck", Patience = TimeSpan.FromMilliseconds(20) });
        var link = await DeviceLink.ConnectAsync(world.Options() with { Capture = capture }, world.Time, Token);
        link.EventRaised += events.Take;
        await capture.DisposeAsync();
        await link.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Contains("not complete", (await events.NextAsync(EventKind.CaptureStopped)).Message, StringComparison.Ordinal);
        disk.Release();
    }

    [Fact]
    public async Task A_peer_that_speaks_no_mproxy_is_noted_and_what_came_before_is_kept()
    {
        await using (var capture = _folder.Open("file"))
        {
            var tap = capture.Tap("test");
            await using var use = capture.Join(_ => { });
            byte[] bytes = [.. Message(1), .. "GET / HTTP/1.1\r\n\r\n"u8];
            tap.Received(bytes);
            tap.Received(Message(2));
            tap.Sending(Message(3));
        }

        var content = _folder.Read("file");
        Assert.Equal([1, 3], content.Frames.Select(frame => (int)frame.Data[0]));
        Assert.Contains("Not an M-PROXY frame", CaptureContent.Text(Assert.Single(content.Notes), "unreadable"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Half_a_frame_is_none()
    {
        await using (var capture = _folder.Open("file"))
        {
            await using var use = capture.Join(_ => { });
            var tap = capture.Tap("test");
            tap.Received(Message(1));
            tap.Received(Message(2).AsSpan(..^1));
        }

        Assert.Single(_folder.Read("file").Frames);
    }

    [Fact]
    public async Task A_length_that_is_only_declared_takes_no_memory()
    {
        await using var capture = _folder.Open("file");
        var header = FrameEncoder.EncodeHeader(FrameKind.Message, Client, 1L << 40);
        var taps = Enumerable.Range(0, 1000).Select(_ => capture.Tap("test")).ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Array.ForEach(taps, tap => tap.Received(header));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public async Task A_file_that_is_there_is_left_alone()
    {
        await File.WriteAllTextAsync(_folder["one"], "mine", Token);
        await File.WriteAllTextAsync(_folder["two.times"], "mine", Token);
        Assert.Contains("is there already", Assert.Throws<CaptureException>(() => _folder.Open("one")).Message, StringComparison.Ordinal);
        Assert.Contains("two.times", Assert.Throws<CaptureException>(() => _folder.Open("two")).Message, StringComparison.Ordinal);
        Assert.Throws<CaptureException>(() => _folder.Open("no/such/folder"));
        Assert.Throws<CaptureException>(() => LinkCapture.Open(new CaptureOptions { Path = "" }));
        Assert.Equal(["one", "two.times"], _folder.Files);
        Assert.Equal("mine", await File.ReadAllTextAsync(_folder["one"], Token));
    }

    [Fact]
    public async Task The_files_are_for_their_owner_alone_and_a_start_that_failed_leaves_none()
    {
        await using (_folder.Open("file"))
        {
            Assert.Equal(["file", "file.times"], _folder.Files);
            foreach (var name in OperatingSystem.IsWindows() ? [] : _folder.Files)
            {
#pragma warning disable CA1416 // There are none on Windows.
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder[name]));
#pragma warning restore CA1416
            }
        }

        Assert.Empty(_folder.Files);
    }

    private static LinkCapture Open(Stream frames, Stream times, CaptureOptions options) =>
        new(options, new CaptureFiles(options.Path, frames, times), TimeProvider.System);

    private static byte[] Message(int number)
    {
        var body = new byte[1000];
        body[0] = (byte)number;
        return FrameEncoder.Encode(FrameKind.Message, Client, body);
    }
}
