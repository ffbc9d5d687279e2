using System.Runtime.Versioning;
using MProxy.Engine.Access;

namespace MProxy.Engine.Tests.Access;

/// <summary>Lines come whole into files of bounded length and number, whatever was there before and whoever moves them away.</summary>
public sealed class AccessLogFileTests : IDisposable
{
    private readonly AccessFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("{\"time\":\"x\"}\n")]
    [InlineData("{\"time\":\"x\"}\n{\"tim")]
    [InlineData("{")]
    public async Task A_file_that_is_there_is_added_to_and_half_a_line_is_ended_first(string before)
    {
        await File.WriteAllTextAsync(_folder.Path, before, Token);
        await using (var log = _folder.Open())
        {
            log.Write(AccessFolder.Record(1));
        }

        var text = await File.ReadAllTextAsync(_folder.Path, Token);
        var whole = before is "" || before.EndsWith('\n') ? before : before + "\n";
        Assert.StartsWith(whole, text, StringComparison.Ordinal);
        Assert.Equal([1], AccessLines.Parse(text[whole.Length..]).Numbers);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(4096)]
    [InlineData(100_000)]
    public async Task No_line_is_lost_or_split_where_a_file_is_full(int most)
    {
        // Few enough that all files are kept, though a file may be half empty where the next batch is as long as a whole one.
        var count = most switch
        {
            < 1000 => 50,
            < 10_000 => 1000,
            _ => 9000,
        };
        await using (var log = _folder.Open(all => all with { MaxLength = most, KeepFiles = 100 }))
        {
            for (var i = 0; i < count; i++)
            {
                log.Write(AccessFolder.Record(i));
                if (i % 7 == 0)
                {
                    await Task.Yield();
                }
            }
        }

        Assert.Equal(Enumerable.Range(0, count), _folder.ReadAll().Numbers);
        Assert.InRange(_folder.Names.Length, 4, 100);
        for (var i = 0; i < _folder.Names.Length; i++)
        {
            // By number, without a gap; and a file holds more than its bound only where a line alone does.
            Assert.InRange(new FileInfo(_folder[i]).Length, 1, _folder.Read(i).All.Count == 1 ? long.MaxValue : most);
        }

        Assert.Empty(_folder.Told);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Old_files_are_kept_by_number_and_what_is_kept_is_the_newest(int keep)
    {
        await using (var log = _folder.Open(all => all with { MaxLength = 2000, KeepFiles = keep }, new ManualTime()))
        {
            for (var i = 0; i < 1000; i++)
            {
                log.Write(AccessFolder.Record(i));
            }
        }

        Assert.Equal(Enumerable.Range(0, keep + 1).Select(number => Path.GetFileName(_folder[number])), _folder.Names);
        var numbers = _folder.ReadAll().Numbers;
        Assert.Equal(Enumerable.Range(1000 - numbers.Length, numbers.Length), numbers);
    }

    [Fact]
    public async Task A_log_goes_on_in_its_old_file_where_a_new_one_cannot_be_begun_and_says_so_once()
    {
        var time = new ManualTime();
        Directory.CreateDirectory(_folder[1]);
        await using (var log = _folder.Open(all => all with { MaxLength = 1000, KeepFiles = 2 }, time))
        {
            for (var i = 0; i < 100; i++)
            {
                log.Write(AccessFolder.Record(i));
                await _folder.ReachedAsync(i);
                time.Advance(TimeSpan.FromMilliseconds(i % 3 * 600));
            }

            Assert.Contains(_folder[1], Assert.Single(_folder.Told), StringComparison.Ordinal);
            Assert.Equal(Enumerable.Range(0, 100), _folder.Read().Numbers);

            // It works again with the next try, and that comes a second after the last at the earliest.
            Directory.Delete(_folder[1]);
            time.Advance(TimeSpan.FromSeconds(1));
            log.Write(AccessFolder.Record(100));
            await _folder.ReachedAsync(100);
            Assert.Equal(Enumerable.Range(0, 100), _folder.Read(1).Numbers);
            Assert.Equal([100], _folder.Read().Numbers);
        }

        Assert.Single(_folder.Told);
    }

    [Fact]
    public async Task A_log_without_its_folder_goes_on_in_the_file_it_has()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A file that is open keeps its folder on Windows.");
        var time = new ManualTime();
        var inner = Directory.CreateDirectory(_folder[7]).FullName;
        var moved = _folder[8];
        await using (var log = _folder.Open(all => all with { Path = Path.Combine(inner, "access.log"), MaxLength = 500 }, time))
        {
            Directory.Move(inner, moved);
            for (var i = 0; i < 100; i++)
            {
                log.Write(AccessFolder.Record(i));
            }
        }

        Assert.Equal(Enumerable.Range(0, 100), AccessLines.Parse(await File.ReadAllBytesAsync(Path.Combine(moved, "access.log"), Token)).Numbers);
        Assert.Single(_folder.Told);
    }

    [Fact]
    public async Task A_file_that_was_moved_away_is_written_to_until_the_path_is_opened_again()
    {
        await using var log = _folder.Open();
        log.Write(AccessFolder.Record(0));
        await _folder.ReachedAsync(0);
        File.Move(_folder.Path, _folder[1]);
        log.Write(AccessFolder.Record(1));
        await Until.TrueAsync(() => new FileInfo(_folder[1]).Length >= 200);
        Assert.False(File.Exists(_folder.Path));

        log.Reopen();
        log.Write(AccessFolder.Record(2));
        await _folder.ReachedAsync(2);
        Assert.Equal([0, 1], _folder.Read(1).Numbers);
        Assert.Equal([2], _folder.Read().Numbers);
        Assert.Empty(_folder.Told);
    }

    [Fact]
    public async Task A_path_that_cannot_be_opened_again_is_tried_once_a_second()
    {
        var time = new ManualTime();
        await using var log = _folder.Open(all => all, time);
        File.Move(_folder.Path, _folder[1]);
        Directory.CreateDirectory(_folder.Path);
        log.Reopen();
        log.Write(AccessFolder.Record(0));
        await Until.TrueAsync(() => _folder.Told.Length == 1);
        Directory.Delete(_folder.Path);
        time.Advance(TimeSpan.FromMilliseconds(999));
        log.Write(AccessFolder.Record(1));
        await Until.TrueAsync(() => new FileInfo(_folder[1]).Length >= 200);
        time.Advance(TimeSpan.FromMilliseconds(1));
        log.Write(AccessFolder.Record(2));
        await _folder.ReachedAsync(2);
        Assert.Equal([0, 1], _folder.Read(1).Numbers);
        Assert.Equal([2], _folder.Read().Numbers);
        Assert.Single(_folder.Told);
    }

    [Fact]
    public async Task A_file_that_is_cut_to_nothing_is_written_to_from_its_start()
    {
        await using var log = _folder.Open();
        log.Write(AccessFolder.Record(0));
        await _folder.ReachedAsync(0);
        await using (var other = new FileStream(_folder.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            other.SetLength(0);
        }

        log.Write(AccessFolder.Record(1));
        await _folder.ReachedAsync(1);
        Assert.Equal([1], _folder.Read().Numbers);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task Every_file_is_for_its_owner_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no modes on Windows.");
        await using (var log = _folder.Open(all => all with { MaxLength = 500 }))
        {
            for (var i = 0; i < 20; i++)
            {
                log.Write(AccessFolder.Record(i));
            }
        }

        Assert.Equal(6, _folder.Names.Length);
        Assert.All(_folder.Names.Index(), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder[file.Index])));
    }

    [Fact]
    public void A_path_that_cannot_be_written_to_is_told_when_it_is_opened()
    {
        Directory.CreateDirectory(_folder.Path);
        Fails(_folder.Path);
        Fails(Path.Combine(_folder[1], "access.log"));
        Fails("");
        Fails("a\0b");
        Fails(new string('a', 5000));
        Assert.Equal(["access.log"], _folder.Names);
    }

    [Fact]
    public void A_path_without_permission_is_told_when_it_is_opened()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has a folder that even root makes no files in.");
        Fails("/sys/mproxy-access.log");
    }

    [Fact]
    public async Task Two_logs_do_not_write_to_one_file()
    {
        var log = _folder.Open();
        Fails(_folder.Path);
        Fails(Path.Combine(Path.GetDirectoryName(_folder.Path)!, ".", Path.GetFileName(_folder.Path)));
        log.Write(AccessFolder.Record(1));
        await log.DisposeAsync();
        await using (var next = _folder.Open())
        {
            next.Write(AccessFolder.Record(2));
        }

        Assert.Equal([1, 2], _folder.Read().Numbers);
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(-1, 5)]
    [InlineData(1000, -1)]
    [InlineData(1000, 101)]
    public void Bounds_have_bounds(long most, int keep)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _folder.Open(all => all with { MaxLength = most, KeepFiles = keep }));
        Assert.Empty(_folder.Names);
    }

    private void Fails(string path) =>
        Assert.StartsWith($"The access log '{path}' cannot be opened: ", Assert.Throws<AccessLogException>(() => _folder.Open(all => all with { Path = path })).Message, StringComparison.Ordinal);
}
