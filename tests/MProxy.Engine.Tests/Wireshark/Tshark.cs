using System.Runtime.CompilerServices;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Wireshark;

/// <summary>tshark with the dissector of src/wireshark.</summary>
internal static class Tshark
{
    public static readonly string Dissector = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "..", "src", "wireshark", "mproxy.lua"));

    /// <summary>What fields say in all packets that match, a line for each packet and a tab between fields; a field that is there more than once has | between.</summary>
    public static async Task<string[]> FieldsAsync(byte[] file, string filter, params string[] fields) =>
        (await RunAsync(file, ["-Y", filter, "-T", "fields", "-E", "aggregator=|", .. fields.SelectMany(field => new[] { "-e", field })])).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What it writes with these arguments. An error in the dissector is a failure of the test.</summary>
    public static async Task<string> RunAsync(byte[] file, params string[] arguments)
    {
        Programs.Need("tshark");
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, file, TestContext.Current.CancellationToken);
            var (code, output, error) = await Programs.RunAsync("tshark", ["-r", path, "-X", $"lua_script:{Dissector}", .. arguments]);
            Assert.True(code == 0, $"tshark failed with {code}: {error}");
            Assert.DoesNotContain("Lua", output + error, StringComparison.OrdinalIgnoreCase);
            return output;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
