using System.Diagnostics;
using System.Text;

namespace MProxy.Engine.Tests.Front;

/// <summary>Programs of this machine, each ended with its test by its own id.</summary>
internal static class Programs
{
    private static readonly string[] Folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/lib/git-core"];

    /// <summary>Where it is; null where it is not installed.</summary>
    public static string? Find(string name) => Folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Skips the test where one of them is not there.</summary>
    public static void Need(params string[] names)
    {
        foreach (var name in names)
        {
            Assert.SkipUnless(Find(name) is not null, $"{name} is not installed.");
        }
    }

    /// <summary>How to start it, with nothing around that would lead it past the relay.</summary>
    public static ProcessStartInfo Starting(string name, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Find(name)!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var variable in start.Environment.Keys.Where(key => key.EndsWith("_proxy", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(variable);
        }

        return start;
    }

    /// <summary>Runs it to its end, which comes within a minute.</summary>
    public static Task<(int ExitCode, string Output, string Error)> RunAsync(string name, params string[] arguments) => RunAsync(name, arguments, "");

    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(string name, IEnumerable<string> arguments, string input, string folder = "")
    {
        var start = Starting(name, arguments);
        start.WorkingDirectory = folder;
        start.StandardOutputEncoding = Encoding.Latin1;
        start.StandardInputEncoding = Encoding.Latin1;
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        using var program = Process.Start(start)!;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromMinutes(1));
        try
        {
            var output = program.StandardOutput.ReadToEndAsync(timeout.Token);
            var error = program.StandardError.ReadToEndAsync(timeout.Token);
            try
            {
                await program.StandardInput.WriteAsync(input.AsMemory(), timeout.Token);
                program.StandardInput.Close();
            }
            catch (IOException)
            {
                // It has ended without a look at its input.
            }

            await program.WaitForExitAsync(timeout.Token);
            return (program.ExitCode, await output, await error);
        }
        finally
        {
            if (!program.HasExited)
            {
                program.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>What it wrote; it must have succeeded.</summary>
    public static async Task<string> OutputAsync(string name, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(name, arguments);
        Assert.True(code == 0, $"{name} failed with {code}: {error}{output}");
        return output;
    }
}
