namespace MProxy.Module.Tests;

/// <summary>The conformance kit (tests/conformance), passed by the cmdlets.</summary>
[Collection("engine")]
public sealed class ConformanceTests(ITestOutputHelper output)
{
    private static readonly string Folder = Path.Combine(RepositoryFiles.Root, "tests", "conformance");

    [Theory]
    [InlineData("codec", "", 103)]
    [InlineData("device", " -Relay {relay} -Service {service}", 25)]
    [InlineData("relay", "", 18)]
    public async Task Every_vector_and_session_is_as_it_should_be(string role, string arguments, int count)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/node"), "Node is not installed.");
        var (code, said, error) = await Programs.RunAsync("/usr/bin/node", Path.Combine(Folder, "run.js"), $"--{role}", $"'{RepositoryFiles.Shell}' -File '{Folder}/subjects/mproxy-{role}.ps1'{arguments}");
        output.WriteLine(string.Join(Environment.NewLine, said.Split('\n').Where(line => !line.StartsWith("ok ", StringComparison.Ordinal))));
        Assert.True(code == 0, said + error);
        Assert.Contains($"# {count} of {count} as they should be", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_answers_wrongly_fails()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/node"), "Node is not installed.");
        var (code, said, _) = await Programs.RunAsync("/usr/bin/node", Path.Combine(Folder, "run.js"), "--codec", "sed -u 's/.*/{\"hex\":\"fe\"}/'");
        Assert.Equal(1, code);
        Assert.Contains("# 0 of 103 as they should be", said, StringComparison.Ordinal);
    }
}
