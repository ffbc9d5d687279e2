using System.Runtime.CompilerServices;
using MProxy.Fuzz.Targets;

namespace MProxy.Engine.Tests.Corpus;

/// <summary>What fuzzing has found worth keeping (tests/MProxy.Fuzz) is run again, on libraries as they are shipped.</summary>
public sealed class CorpusTests
{
    private static readonly string Folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "corpus"));

    public static TheoryData<string> Targets() => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_input_keeps_the_promises(string target)
    {
        var files = Directory.GetFiles(Path.Combine(Folder, target));
        Assert.True(files.Length >= 10, $"{target} has {files.Length} inputs only.");
        foreach (var file in files)
        {
            FuzzTargets.All[target](File.ReadAllBytes(file));
        }
    }

    [Fact]
    public void A_broken_promise_is_told() => Assert.Throws<InvalidOperationException>(() => FuzzTargets.Require(false, "This one."));

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
