using System.Globalization;
using System.Text;
using MProxy.Engine.Access;

namespace MProxy.Engine.Tests.Access;

/// <summary>A folder for the access log of a test, whose records are told apart by a number.</summary>
internal sealed class AccessFolder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mproxy-access-").FullName;
    private readonly List<string> _told = [];

    public string Path => this[0];

    public string[] Names => [.. Directory.GetFileSystemEntries(_folder).Select(path => System.IO.Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    /// <summary>What the log has said of its disk.</summary>
    public string[] Told
    {
        get
        {
            lock (_told)
            {
                return [.. _told];
            }
        }
    }

    /// <summary>The path of the file that was written so many files ago.</summary>
    public string this[int number] => System.IO.Path.Combine(_folder, number == 0 ? "access.log" : $"access.log.{number}");

    public static AccessRecord Record(int number) => new()
    {
        Time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Owner = "relay",
        SocketId = "IPv4,192.0.2.1,54321",
        Name = number.ToString(CultureInfo.InvariantCulture),
        End = AccessRecord.InOrder,
    };

    public AccessLog Open(Func<AccessLogOptions, AccessLogOptions>? options = null, TimeProvider? time = null) =>
        AccessLog.Open((options ?? (all => all))(new AccessLogOptions { Path = Path }), Tell, time);

    /// <summary>A log on a disk of the test's own.</summary>
    public AccessLog Open(Func<Stream> open, TimeProvider time) => new(new AccessLogOptions { Path = Path }, _ => open(), Tell, time);

    /// <summary>The lines of a file that nobody is writing to just now. All of them have to be whole.</summary>
    public AccessLines Read(int number = 0) => AccessLines.Parse(ReadText(number));

    /// <summary>The lines of all files, the oldest first.</summary>
    public AccessLines ReadAll() =>
        new([.. Enumerable.Range(0, 200).Reverse().Where(number => File.Exists(this[number])).SelectMany(number => Read(number).All)]);

    /// <summary>The record with this number is in the file, and all those before it.</summary>
    public Task ReachedAsync(int number) => Until.TrueAsync(() =>
    {
        try
        {
            var text = ReadText(0);
            return text.EndsWith('\n') && text.Contains($"\"name\":\"{number}\"", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // Between two files there is none for a moment.
            return false;
        }
    });

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string ReadText(int number)
    {
        using var file = new FileStream(this[number], FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file, Encoding.Latin1);
        return reader.ReadToEnd();
    }

    private void Tell(string what)
    {
        lock (_told)
        {
            _told.Add(what);
        }
    }
}
