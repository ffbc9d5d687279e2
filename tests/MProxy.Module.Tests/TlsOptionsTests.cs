using System.Text.RegularExpressions;

namespace MProxy.Module.Tests;

/// <summary>What every handshake of TLS has in common, wherever it is.</summary>
public partial class TlsOptionsTests
{
    [Fact]
    public void No_session_is_negotiated_anew()
    {
        var files = Directory.GetFiles(Path.Combine(RepositoryFiles.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));
        var count = 0;
        foreach (var file in files)
        {
            foreach (Match options in Options().Matches(File.ReadAllText(file)))
            {
                count++;
                Assert.True(options.Value.Contains("AllowRenegotiation = false,", StringComparison.Ordinal), $"{file}: {options.Value}");
            }
        }

        Assert.True(count >= 4, $"{count} are looked at.");
    }

    /// <summary>From the name of the options to the end of their initializer.</summary>
    [GeneratedRegex(@"Ssl(Server|Client)AuthenticationOptions(\s*\{| Options\().*?^ *\};", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Options();
}
