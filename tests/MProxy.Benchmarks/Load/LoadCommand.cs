namespace MProxy.Benchmarks.Load;

/// <summary>What a client of the load server wants: its first byte, and behind it, for streams, eight bytes of where the stream begins.</summary>
internal enum LoadCommand : byte
{
    /// <summary>Everything back.</summary>
    Echo = 1,

    /// <summary>A stream, until the client closes.</summary>
    Download,

    /// <summary>The client sends a stream.</summary>
    Upload,

    /// <summary>One byte back, and then the end.</summary>
    Answer,

    /// <summary>One byte back, and then nothing.</summary>
    Hold,
}
