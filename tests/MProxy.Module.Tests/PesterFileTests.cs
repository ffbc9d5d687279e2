namespace MProxy.Module.Tests;

/// <summary>Every It of tests/*.Tests.ps1, as one test each.</summary>
[Collection("engine")]
public class PesterFileTests
{
    public static TheoryData<string, string> Its()
    {
        var rows = new TheoryData<string, string>();
        foreach (var file in Directory.GetFiles(Path.Combine(RepositoryFiles.Root, "tests"), "*.Tests.ps1").Order(StringComparer.Ordinal))
        {
            foreach (var name in EmbeddedPester.Discover(file))
            {
                rows.Add(Path.GetFileName(file), name);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Its))]
    public void Passes(string file, string name)
    {
        var error = EmbeddedPester.Run(Path.Combine(RepositoryFiles.Root, "tests", file))[name];
        Assert.True(error is null, error);
    }

    [Fact]
    public void The_stand_in_fails_what_does_not_hold()
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.Tests.ps1");
        File.WriteAllText(path, """
            Describe 'stand-in' {
                BeforeAll { $seen = 5 }
                It 'passes' { $seen | Should -Be 5 }
                It 'fails' { 1 | Should -Be 2 }
                It 'fails a list' { 1, 2 | Should -Be 1, 3 }
                It 'fails an exception' { throw 'x' }
                It 'fails without an exception' { { 1 } | Should -Throw }
                It 'fails an operator it does not know' { 1 | Should -BeGreaterThan 0 }
                It 'fails a negation' { 1 | Should -Not -Be 1 }
            }
            """);
        try
        {
            var results = EmbeddedPester.Run(path);
            Assert.Equal(7, results.Count);
            Assert.All(results, result => Assert.Equal(result.Key == "stand-in › passes", result.Value is null));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("Describe 'a' { It 'b' -Skip { } }")]
    [InlineData("Describe 'a' -Tag x { }")]
    [InlineData("Mock Get-Date { }")]
    public void The_stand_in_refuses_what_it_does_not_know(string script)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.Tests.ps1");
        File.WriteAllText(path, script);
        try
        {
            Assert.ThrowsAny<Exception>(() => EmbeddedPester.Run(path));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
