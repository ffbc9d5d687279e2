namespace MProxy.Internal.Configuration;

/// <summary>A configuration file that was read, as data alone: nothing in it is run.</summary>
internal sealed class ConfigurationFile
{
    private ConfigurationFile(string path, bool isJson, ConfigurationTable table) => (Path, IsJson, Table) = (path, isJson, table);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The folder it is in: its paths start there.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(Path) ?? Path;

    /// <summary>JSON, not a psd1: messages show how to write something in its own format.</summary>
    public bool IsJson { get; }

    /// <summary>What it says.</summary>
    public ConfigurationTable Table { get; }

    /// <summary>Reads a file, by what its name ends in.</summary>
    /// <param name="path">Its full path; .psd1 or .json, 1 MiB at most.</param>
    /// <exception cref="ConfigurationException">It cannot be read as what its name says.</exception>
    /// <exception cref="IOException">It is not there, or is a folder.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static ConfigurationFile Read(string path)
    {
        using var stream = BoundedText.Open(path);
        var isJson = System.IO.Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".JSON" => true,
            ".PSD1" => false,
            _ => throw new ConfigurationException(0, "its name has to end in .psd1 or .json, which says what it is."),
        };
        try
        {
            var text = BoundedText.Read(stream, ConfigurationBounds.MaxLength);
            if (string.IsNullOrWhiteSpace(text))
            {
                throw new ConfigurationException(0, "it is empty.");
            }

            return new ConfigurationFile(path, isJson, isJson ? JsonReader.Read(text) : DataFileReader.Read(text));
        }
        catch (InvalidDataException error)
        {
            throw new ConfigurationException(0, error.Message);
        }
    }
}
