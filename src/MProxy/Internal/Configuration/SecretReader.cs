using System.Management.Automation;
using System.Security;

namespace MProxy.Internal.Configuration;

/// <summary>
/// Reads the secrets that a configuration file names but does not hold: <c>@{ Path = '…' }</c> or <c>@{ Environment = '…' }</c>.
/// No message shows what a secret says.
/// </summary>
internal sealed class SecretReader(PSCmdlet cmdlet, ConfigurationFile file)
{
    private const int MaxLength = 64 << 10;
    private static readonly string[] Forms = ["Path", "Environment"];
    private static readonly string[] CredentialForms = ["UserName", "Password"];

    private string Advice => file.IsJson
        ? """write { "Path": "secret.txt" } or { "Environment": "NAME" } instead"""
        : "write @{ Path = 'secret.txt' } or @{ Environment = 'NAME' } instead";

    /// <summary>A secret from a file or from the environment.</summary>
    /// <param name="entry">The key that it is for.</param>
    /// <param name="value">What stands there.</param>
    /// <param name="isNeeded">False where the command line says another: then how it is written is checked, and nothing is read.</param>
    /// <exception cref="ConfigurationException">It is text, wrongly written, missing or empty.</exception>
    public SecureString Read(ConfigurationEntry entry, object? value, bool isNeeded)
    {
        if (value is not ConfigurationTable table)
        {
            throw new ConfigurationException(entry, $"a secret does not stand in the file itself: {Advice}.");
        }

        CheckKeys(entry, table, Forms);
        if (table.Entries is not [{ Value: string { Length: > 0 } source } form])
        {
            throw new ConfigurationException(entry, $"a secret comes from one place: {Advice}.");
        }

        if (!isNeeded)
        {
            return new SecureString();
        }

        var isFile = form.Key.Equals(Forms[0], StringComparison.OrdinalIgnoreCase);
        var secret = isFile ? ReadFile(entry, source) : Environment.GetEnvironmentVariable(source) ?? "";
        return secret.Length > 0 ? Secret.Protect(secret)
            : throw new ConfigurationException(entry, isFile
                ? $"the file '{ConfigurationProblem.Shown(source)}' is empty." : $"the environment variable '{ConfigurationProblem.Shown(source)}' is not set or empty.");
    }

    /// <summary>A name with a secret: <c>@{ UserName = '…'; Password = @{ Path = '…' } }</c>.</summary>
    /// <inheritdoc cref="Read"/>
    public PSCredential ReadCredential(ConfigurationEntry entry, object? value, bool isNeeded)
    {
        if (value is not ConfigurationTable table)
        {
            throw new ConfigurationException(entry, "a credential is a table of UserName and Password.");
        }

        CheckKeys(entry, table, CredentialForms);
        var parts = table.ToDictionary();
        var password = table.Entries.FirstOrDefault(part => part.Key.Equals(CredentialForms[1], StringComparison.OrdinalIgnoreCase));
        if (parts[CredentialForms[0]] is not string { Length: > 0 } user || password is null)
        {
            throw new ConfigurationException(entry, "it needs the text UserName, and Password.");
        }

        return new PSCredential(user, Read(entry with { Key = $"{entry.Key}.{password.Key}", Line = password.Line }, password.Value, isNeeded));
    }

    private static void CheckKeys(ConfigurationEntry entry, ConfigurationTable table, string[] known)
    {
        var unknown = table.Entries.Where(part => !known.Contains(part.Key, StringComparer.OrdinalIgnoreCase))
            .Select(part => ConfigurationProblem.UnknownKey(part with { Key = $"{entry.Key}.{part.Key}" }, NearestName.Find(part.Key, known), $"{string.Join(" and ", known)} are what there is."))
            .ToList();
        if (unknown.Count > 0)
        {
            throw new ConfigurationException(unknown);
        }
    }

    private string ReadFile(ConfigurationEntry entry, string source)
    {
        var path = source;
        try
        {
            path = FilePaths.Provider(cmdlet, FilePaths.InFolder(cmdlet, file.Folder, source));
            using var stream = BoundedText.Open(path);
            if (!OperatingSystem.IsWindows() && File.GetUnixFileMode(stream.SafeFileHandle).HasFlag(UnixFileMode.OtherRead))
            {
                cmdlet.WriteWarning($"The secret file '{path}' can be read by every user of this machine: take that away with chmod o-r.");
            }

            var text = BoundedText.Read(stream, MaxLength);
            return text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ConfigurationException(entry, error switch
            {
                FileNotFoundException or DirectoryNotFoundException => $"the file '{ConfigurationProblem.Shown(path, 200)}' is not there.",
                InvalidDataException => $"the file '{ConfigurationProblem.Shown(path, 200)}' holds no secret: {error.Message}",
                _ => error.Message,
            });
        }
    }
}
