using MProxy.Engine.Access;

namespace MProxy.Engine.Tests.Access;

/// <summary>Files get the next number, and no more of them go than have to.</summary>
public sealed class LogRotationTests : IDisposable
{
    private readonly AccessFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("0", 3, "1:0")]
    [InlineData("0 1 2", 3, "1:0 2:1 3:2")]
    [InlineData("0 1 2 3", 3, "1:0 2:1 3:2")]
    [InlineData("0 1", 1, "1:0")]
    [InlineData("0 1", 0, "1:1")]
    [InlineData("0 2 3", 3, "1:0 2:2 3:3")]
    [InlineData("0 1 3 4", 3, "1:0 2:1 3:3 4:4")]
    [InlineData("0 1 2", 2, "1:0 2:1")]
    [InlineData("1 2", 2, "1:1 2:2")]
    [InlineData("", 2, "")]
    [InlineData("0 9 10 11", 100, "1:0 9:9 10:10 11:11")]
    public void Every_file_up_to_the_first_free_number_moves_on(string before, int keep, string after)
    {
        foreach (var number in before.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse))
        {
            File.WriteAllText(_folder[number], $"{number}");
        }

        LogRotation.Shift(_folder.Path, keep);
        Assert.Equal(after, string.Join(' ', Enumerable.Range(0, 20).Where(number => File.Exists(_folder[number])).Select(number => $"{number}:{File.ReadAllText(_folder[number])}")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_folder_in_the_way_costs_no_file_however_often_it_is_tried(int folder)
    {
        Directory.CreateDirectory(_folder[folder]);
        foreach (var number in new[] { 0, 1, 2, 3 }.Where(number => number != folder))
        {
            File.WriteAllText(_folder[number], $"{number}");
        }

        for (var i = 0; i < 3; i++)
        {
            Assert.Contains(_folder[folder], Assert.Throws<IOException>(() => LogRotation.Shift(_folder.Path, 3)).Message, StringComparison.Ordinal);
        }

        Assert.All(new[] { 0, 1, 2, 3 }.Where(number => number != folder), number => Assert.Equal($"{number}", File.ReadAllText(_folder[number])));
    }
}
