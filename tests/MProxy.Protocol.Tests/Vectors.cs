using System.Text.Json;

namespace MProxy.Protocol.Tests;

/// <summary>The golden data that the reference produced, as it stands in tests/vectors.</summary>
internal static class Vectors
{
    public static string Directory { get; } = Path.Combine(RepositoryRoot(), "tests", "vectors");

    public static JsonElement Root { get; } =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Directory, "proxy-packer-2.0.4.json"))).RootElement;

    public static JsonElement Get(string group, string name) =>
        Root.GetProperty(group).EnumerateArray().Single(vector => vector.GetProperty("name").GetString() == name);

    public static string? Text(this JsonElement element, string property) =>
        element.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static byte[] Hex(this JsonElement element, string property) => Convert.FromHexString(element.Text(property) ?? "");

    private static string RepositoryRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "MProxy.psd1")))
            {
                return folder;
            }
        }

        throw new DirectoryNotFoundException("MProxy.psd1 is in no folder above the tests.");
    }
}
