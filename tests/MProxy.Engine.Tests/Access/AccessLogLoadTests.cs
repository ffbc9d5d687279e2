using MProxy.Engine.Access;
using MProxy.Engine.Tests.Capture;

namespace MProxy.Engine.Tests.Access;

/// <summary>Many threads write at once, up to the end and beyond it, and every record is in the file or counted.</summary>
public sealed class AccessLogLoadTests : IDisposable
{
    private const int Threads = 8;

    private readonly AccessFolder _folder = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Lines_of_many_threads_are_whole_and_in_the_order_of_each()
    {
        const int Each = AccessLog.MaxWaiting / Threads;
        await using (var log = _folder.Open(all => all with { MaxLength = 50_000, KeepFiles = 100 }, _time))
        {
            await RunAsync(thread =>
            {
                for (var i = 0; i < Each; i++)
                {
                    log.Write(AccessFolder.Record((thread * Each) + i));
                }
            });
            Assert.Equal(0, log.Dropped);
        }

        var numbers = _folder.ReadAll().Numbers;
        Assert.Equal(Enumerable.Range(0, Threads * Each), numbers.Order());
        for (var thread = 0; thread < Threads; thread++)
        {
            Assert.Equal(Enumerable.Range(thread * Each, Each), numbers.Where(number => number / Each == thread));
        }
    }

    [Fact]
    public async Task A_log_that_ends_under_load_has_every_record_in_the_file_or_counted()
    {
        var log = _folder.Open(all => all with { MaxLength = 1 << 20, KeepFiles = 100 }, _time);
        var written = 0;
        var isOver = false;
        var running = RunAsync(_ =>
        {
            while (!Volatile.Read(ref isOver))
            {
                log.Write(AccessFolder.Record(Interlocked.Increment(ref written)));
            }
        });
        await Until.TrueAsync(() => log.Dropped > 0);
        await log.DisposeAsync();
        var after = log.Dropped;
        await Until.TrueAsync(() => log.Dropped > after);
        Volatile.Write(ref isOver, true);
        await running;

        var lines = _folder.ReadAll();
        Assert.Equal(written, lines.Numbers.Length + log.Dropped);
        Assert.Equal(lines.Numbers.Length, lines.Numbers.Distinct().Count());
        Assert.InRange(lines.Dropped, 1, log.Dropped);
        Assert.Empty(_folder.Told);
    }

    [Fact]
    public async Task Files_come_and_go_under_load_and_no_line_is_lost()
    {
        const int Each = AccessLog.MaxWaiting / Threads;
        await using (var log = _folder.Open(all => all with { MaxLength = 50_000, KeepFiles = 100 }, _time))
        {
            await RunAsync(thread =>
            {
                for (var i = 0; i < Each; i++)
                {
                    log.Write(AccessFolder.Record((thread * Each) + i));
                    if (i % 10 == 0)
                    {
                        log.Reopen();
                    }
                }
            });
        }

        Assert.Equal(Enumerable.Range(0, Threads * Each), _folder.ReadAll().Numbers.Order());
        Assert.Empty(_folder.Told);
    }

    [Fact]
    public async Task A_record_costs_its_writer_no_more_than_its_place_in_the_queue()
    {
        using var disk = new StuckStream();
        await using var log = _folder.Open(() => disk, _time);
        var record = AccessFolder.Record(1);
        log.Write(record);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < AccessLog.MaxWaiting / 2; i++)
        {
            log.Write(record);
        }

        // The queue doubles as it fills up. A line of text alone would be more.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AccessLog.MaxWaiting / 2 * 150);
        disk.Release();
    }

    private static Task RunAsync(Action<int> work) => Task.WhenAll(Enumerable.Range(0, Threads).Select(thread =>
        Task.Factory.StartNew(() => work(thread), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
}
