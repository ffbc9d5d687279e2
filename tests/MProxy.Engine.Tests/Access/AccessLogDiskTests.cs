using MProxy.Engine.Access;
using MProxy.Engine.Tests.Capture;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Access;

/// <summary>A slow, full or stuck disk costs whole lines, which are counted; it holds up nobody, and is used again as soon as it can be.</summary>
public sealed class AccessLogDiskTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly AccessFolder _folder = new();
    private readonly ManualTime _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_does_not_fit_is_told_where_it_is_missing()
    {
        using var disk = new StuckStream();
        var log = _folder.Open(() => disk, _time);
        log.Write(AccessFolder.Record(0));
        await disk.Reached.WaitAsync(TimeSpan.FromSeconds(20), Token);

        // The loop is stuck with the first, and the next are as many as fit.
        for (var i = 1; i <= AccessLog.MaxWaiting + 50; i++)
        {
            log.Write(AccessFolder.Record(i));
        }

        Assert.Equal(50, log.Dropped);
        disk.Release();
        await log.DisposeAsync();
        log.Write(AccessFolder.Record(1));
        Assert.Equal(51, log.Dropped);
        var lines = AccessLines.Parse(disk.ToArray());
        Assert.Equal(Enumerable.Range(0, AccessLog.MaxWaiting + 1), lines.Numbers);
        Assert.Equal(50, AccessLines.DroppedIn(lines.All[^1]));
        Assert.Equal(50, lines.Dropped);
        Assert.Empty(_folder.Told);
    }

    [Fact]
    public async Task Lines_behind_a_gap_stand_behind_the_line_that_tells_of_it()
    {
        using var disk = new StuckStream();
        await using (var log = _folder.Open(() => disk, _time))
        {
            log.Write(AccessFolder.Record(0));
            await disk.Reached.WaitAsync(TimeSpan.FromSeconds(20), Token);
            for (var i = 1; i <= AccessLog.MaxWaiting + 50; i++)
            {
                log.Write(AccessFolder.Record(i));
            }

            disk.Release();
            await Until.TrueAsync(() => disk.Length > 100_000);
            _time.Advance(Second);
            log.Write(AccessFolder.Record(20_000));
        }

        var lines = AccessLines.Parse(disk.ToArray());
        Assert.Equal([.. Enumerable.Range(0, AccessLog.MaxWaiting + 1), 20_000], lines.Numbers);
        Assert.Equal(50, AccessLines.DroppedIn(lines.All[^2]));
        Assert.StartsWith("2026-01-01T00:00:0", lines.All[^2].GetProperty("time").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_fails_is_tried_once_a_second_and_what_is_lost_meanwhile_is_counted()
    {
        var disks = new Queue<StuckStream>([Disk(0), Disk(0), Disk(500), Disk(int.MaxValue)]);
        StuckStream? latest = null;
        var opened = 0;
        var log = _folder.Open(
            () =>
            {
                opened++;
                return latest = disks.Dequeue();
            },
            _time);
        for (var i = 0; i < 3; i++)
        {
            log.Write(AccessFolder.Record(i));
            await Until.TrueAsync(() => log.Dropped == i + 1);
            _time.Advance(TimeSpan.FromMilliseconds(333));
        }

        Assert.Equal(1, opened);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        log.Write(AccessFolder.Record(3));
        await Until.TrueAsync(() => log.Dropped == 4);
        Assert.Equal(2, opened);
        Assert.Contains("no space", Assert.Single(_folder.Told), StringComparison.Ordinal);

        // Room for some lines: those that fail are cut off again.
        _time.Advance(Second);
        var third = disks.Peek();
        var number = 4;
        for (; log.Dropped == 4; number++)
        {
            // Its line is there whole, or it was lost: half of one may be there for a moment.
            var before = third.ToArray().Count((byte)'\n');
            log.Write(AccessFolder.Record(number));
            await Until.TrueAsync(() => log.Dropped > 4 || third.ToArray().Count((byte)'\n') > before);
        }

        Assert.Equal(3, opened);
        Assert.Equal((5, 4), (log.Dropped, AccessLines.Parse(third.ToArray()).Dropped));
        Assert.Equal(Enumerable.Range(4, number - 5), AccessLines.Parse(third.ToArray()).Numbers);

        _time.Advance(Second);
        log.Write(AccessFolder.Record(number));
        await log.DisposeAsync();
        Assert.Equal(4, opened);
        var lines = AccessLines.Parse(latest!.ToArray());
        Assert.Equal([number], lines.Numbers);
        Assert.Equal(1, AccessLines.DroppedIn(lines.All[0]));
        Assert.Equal(5, log.Dropped);
        Assert.Equal(2, _folder.Told.Length);
    }

    [Fact]
    public async Task The_end_tries_once_more_whatever_the_time()
    {
        var disks = new Queue<StuckStream>([Disk(0), Disk(int.MaxValue)]);
        var log = _folder.Open(disks.Dequeue, _time);
        var last = disks.Peek();
        log.Write(AccessFolder.Record(0));
        await Until.TrueAsync(() => log.Dropped == 1);
        await log.DisposeAsync();
        Assert.Equal((0, 1), (AccessLines.Parse(last.ToArray()).Numbers.Length, AccessLines.Parse(last.ToArray()).Dropped));
    }

    [Fact]
    public async Task A_full_disk_is_told_once_and_written_to_when_it_has_room()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full.");
        File.CreateSymbolicLink(_folder.Path, "/dev/full");
        var log = _folder.Open(time: _time);
        for (var i = 0; i < 20; i++)
        {
            log.Write(AccessFolder.Record(i));
            await Until.TrueAsync(() => log.Dropped == i + 1);
            _time.Advance(TimeSpan.FromMilliseconds(300));
        }

        Assert.Single(_folder.Told);
        File.Delete(_folder.Path);
        _time.Advance(Second);
        log.Write(AccessFolder.Record(20));
        log.Write(AccessFolder.Record(21));
        await log.DisposeAsync();
        Assert.Equal([20, 21], _folder.Read().Numbers);
        Assert.Equal(20, AccessLines.DroppedIn(_folder.Read().All[0]));
        Assert.Equal(20, log.Dropped);
        Assert.Single(_folder.Told);
        Assert.Equal(["access.log"], _folder.Names);
    }

    [Fact]
    public async Task A_disk_that_is_stuck_holds_up_an_end_for_two_seconds_and_is_told()
    {
        using var disk = new StuckStream();
        var log = _folder.Open(() => disk, _time);
        log.Write(AccessFolder.Record(0));
        await disk.Reached.WaitAsync(TimeSpan.FromSeconds(20), Token);
        var ending = log.DisposeAsync().AsTask();
        await _time.TimersAsync(2 * Second);
        _time.Advance((2 * Second) - TimeSpan.FromMilliseconds(1));
        Assert.False(ending.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await ending.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Contains("not complete", Assert.Single(_folder.Told), StringComparison.Ordinal);

        disk.Release();
        await log.DisposeAsync();
        Assert.Equal([0], AccessLines.Parse(disk.ToArray()).Numbers);
    }

    [Fact]
    public async Task A_pipe_that_nobody_reads_holds_up_nobody()
    {
        Programs.Need("mkfifo");
        await Programs.OutputAsync("mkfifo", _folder.Path);
        var log = _folder.Open(all => all with { MaxLength = 1000 }, _time);
        var count = 0;
        while (log.Dropped < 10)
        {
            log.Write(AccessFolder.Record(count++));
        }

        var ending = log.DisposeAsync().AsTask();
        await _time.TimersAsync(2 * Second);
        _time.Advance(2 * Second);
        await ending.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Contains("not complete", Assert.Single(_folder.Told), StringComparison.Ordinal);

        await using var reader = new FileStream(_folder.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var bytes = new MemoryStream();
        await reader.CopyToAsync(bytes, Token);
        await log.DisposeAsync();
        var lines = AccessLines.Parse(bytes.ToArray());
        Assert.Equal((10, 10), (log.Dropped, lines.Dropped));
        Assert.Equal(count - 10, lines.Numbers.Length);
        Assert.Equal(lines.Numbers.Order(), lines.Numbers);
        Assert.Equal(["access.log"], _folder.Names);
    }

    [Fact]
    public async Task Whoever_is_told_may_fail()
    {
        var disks = new Queue<StuckStream>([Disk(0), Disk(int.MaxValue)]);
        var log = new AccessLog(new AccessLogOptions { Path = "failing" }, _ => disks.Dequeue(), _ => throw new InvalidOperationException(), _time);
        var last = disks.Peek();
        log.Write(AccessFolder.Record(0));
        await Until.TrueAsync(() => log.Dropped == 1);
        _time.Advance(Second);
        log.Write(AccessFolder.Record(1));
        await log.DisposeAsync();
        Assert.Equal([1], AccessLines.Parse(last.ToArray()).Numbers);
    }

    private static StuckStream Disk(int room)
    {
        var disk = new StuckStream { FailsFrom = room };
        disk.Release();
        return disk;
    }
}
