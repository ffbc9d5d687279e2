using System.Text;

namespace MProxy.Internal.Configuration;

/// <summary>Reads text files of which nobody knows how long they are, or whether they end.</summary>
internal static class BoundedText
{
    /// <summary>Opens a file for reading, while others may go on writing it.</summary>
    /// <exception cref="IOException">It is not there, or is a folder.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static FileStream Open(string path) => Directory.Exists(path)
        ? throw new IOException($"'{path}' is a folder, not a file.")
        : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>All of a stream: UTF-8, or what its byte order mark says. The mark is no part of the text.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="maxLength">How many bytes it may have.</param>
    /// <exception cref="InvalidDataException">It is longer, or no such text. The message starts with "it".</exception>
    public static string Read(Stream stream, int maxLength)
    {
        var bytes = new byte[maxLength + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        try
        {
            if (length > maxLength)
            {
                throw new InvalidDataException($"it is longer than {maxLength} bytes.");
            }

            using var reader = new StreamReader(new MemoryStream(bytes, 0, length), new UTF8Encoding(false, throwOnInvalidBytes: true));
            return reader.ReadToEnd();
        }
        catch (DecoderFallbackException)
        {
            // The exception would quote the bytes.
            throw new InvalidDataException("it is no UTF-8 text.");
        }
        finally
        {
            // It may have been a secret.
            Array.Clear(bytes);
        }
    }
}
