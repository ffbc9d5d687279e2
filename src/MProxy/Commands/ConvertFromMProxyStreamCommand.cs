using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Packets;
using MProxy.Internal;
using MProxy.Protocol;

namespace MProxy.Commands;

/// <summary>ConvertFrom-MProxyStream: frames out of bytes in any pieces, a stream, files, or captures of packets.</summary>
[Cmdlet(VerbsData.ConvertFrom, "MProxyStream", DefaultParameterSetName = InputSet)]
[OutputType(typeof(Frame))]
public sealed class ConvertFromMProxyStreamCommand : AsyncCommand
{
    private const string InputSet = "InputObject";
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";
    private const string PcapPathSet = "PcapPath";
    private const int ReadLength = 64 * 1024;
    private const long ProgressFrom = 4 << 20;

    private readonly byte[] _single = new byte[1];
    private FrameReader? _reader;

    /// <summary>A byte, byte[], list of bytes, Stream or FileInfo. The frames of all bytes piped in are one stream.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = InputSet)]
    [AllowEmptyCollection]
    public object InputObject { get; set; } = null!;

    /// <summary>Files to read, wildcards allowed; each is a stream of its own.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>Files to read, names taken as they are.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet)]
    [Alias("PSPath", "LP")]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>Captures of packets (pcap, pcapng) whose links are read, over tcp and ws; wildcards allowed.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PcapPathSet)]
    [SupportsWildcards]
    public string[] PcapPath { get; set; } = [];

    /// <summary>Only connections with one of these ports at either end.</summary>
    [Parameter(ParameterSetName = PcapPathSet)]
    [ValidateRange(1, 65535)]
    public int[] Port { get; set; } = [];

    /// <summary>Read what the reference implementation reads.</summary>
    [Parameter]
    public SwitchParameter Lenient { get; set; }

    /// <summary>Largest body, in bytes.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int MaxFrameLength { get; set; } = WireFormat.DefaultMaxFrameLength;

    /// <summary>Skip the bodies: frames come out with empty Data.</summary>
    [Parameter]
    public SwitchParameter HeaderOnly { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == InputSet)
        {
            Take(PSValue.Unwrap(InputObject));
            return;
        }

        if (ParameterSetName == PcapPathSet)
        {
            foreach (var file in ResolvePaths(PcapPath))
            {
                ReadFile(file, ReadPackets);
            }

            return;
        }

        foreach (var file in ParameterSetName == PathSet ? ResolvePaths(Path) : LiteralPath.Select(GetUnresolvedProviderPathFromPSPath))
        {
            ReadFile(file, ReadStream);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_reader is not null)
        {
            Complete(_reader);
        }
    }

    private void Take(object? input)
    {
        switch (input)
        {
            case byte value:
                _single[0] = value;
                Feed(_reader ??= NewReader(), _single);
                break;
            case Stream stream:
                ReadStream(stream, "stream");
                break;
            case FileInfo file:
                ReadFile(file.FullName, ReadStream);
                break;
            case not null when PSValue.AsBytes(input) is { } bytes:
                Feed(_reader ??= NewReader(), bytes);
                break;
            case not null when PSValue.AsByte(input) is { } value:
                Take(value);
                break;
            default:
                ThrowTerminatingError(ErrorRecords.UnsupportedInput(
                    input, "pipe bytes (Get-Content -AsByteStream), byte arrays, a Stream or files, or use -Path."));
                break;
        }
    }

    private IEnumerable<string> ResolvePaths(string[] paths)
    {
        foreach (var path in paths)
        {
            IReadOnlyList<string> resolved;
            try
            {
                resolved = GetResolvedProviderPathFromPSPath(path, out _);
            }
            catch (ItemNotFoundException error)
            {
                WriteError(ErrorRecords.FileUnavailable(error, path));
                continue;
            }

            foreach (var file in resolved)
            {
                yield return file;
            }
        }
    }

    private void ReadFile(string path, Action<Stream, string> read)
    {
        FileStream file;
        try
        {
            // Others may still be writing a capture that is read here.
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            WriteError(ErrorRecords.FileUnavailable(error, path));
            return;
        }

        using (file)
        {
            read(file, path);
        }
    }

    private void ReadStream(Stream stream, string name)
    {
        var reader = NewReader();
        var length = stream.CanSeek ? stream.Length : 0;
        var progress = NewProgress(length, name);
        var buffer = new byte[ReadLength];
        for (int count; (count = Await(stream.ReadAsync(buffer, StopToken).AsTask())) > 0;)
        {
            Feed(reader, buffer.AsSpan(0, count));
            Report(progress, reader.Offset, length);
        }

        Complete(reader);
        End(progress);
    }

    private void ReadPackets(Stream file, string path)
    {
        var reader = new PacketLinkReader(new PacketLinkOptions { Ports = Port, IsLenient = Lenient, MaxFrameLength = MaxFrameLength, HeaderOnly = HeaderOnly });
        var length = file.CanSeek ? file.Length : 0;
        var progress = NewProgress(length, path);
        using var buffered = new BufferedStream(file, ReadLength);
        var count = 0L;
        try
        {
            foreach (var seen in reader.Read(buffered, PacketRead))
            {
                count++;
                WriteObject(PacketFrames.ToObject(seen));
            }
        }
        catch (PacketFileException error)
        {
            WriteError(ErrorRecords.InvalidPacketFile(error, path));
        }
        catch (IOException error)
        {
            WriteError(ErrorRecords.FileUnavailable(error, path));
        }

        while (reader.TakeProblem() is { } problem)
        {
            WriteError(ErrorRecords.UnreadableLink(problem, path));
        }

        End(progress);
        if (count == 0)
        {
            WriteWarning(PacketFrames.WhyNone(path, reader.Others));
        }

        void PacketRead()
        {
            StopToken.ThrowIfCancellationRequested();
            Report(progress, progress is null ? 0 : file.Position, length);
        }
    }

    private static ProgressRecord? NewProgress(long length, string name) => length >= ProgressFrom ? new ProgressRecord(1, "Reading frames", name) : null;

    private void End(ProgressRecord? progress)
    {
        if (progress is not null)
        {
            progress.RecordType = ProgressRecordType.Completed;
            WriteProgress(progress);
        }
    }

    private void Report(ProgressRecord? progress, long offset, long length)
    {
        var percent = (int)Math.Min(100, offset * 100 / Math.Max(1, length));
        if (progress is not null && percent != progress.PercentComplete)
        {
            progress.PercentComplete = percent;
            WriteProgress(progress);
        }
    }

    private FrameReader NewReader() => new(Lenient, MaxFrameLength, HeaderOnly);

    private void Feed(FrameReader reader, ReadOnlySpan<byte> input)
    {
        try
        {
            while (reader.TryRead(ref input, out var frame))
            {
                WriteObject(frame);
            }
        }
        catch (ProtocolException error)
        {
            ThrowTerminatingError(ErrorRecords.CorruptFrame(error));
        }
    }

    private void Complete(FrameReader reader)
    {
        try
        {
            reader.Complete();
        }
        catch (IncompleteFrameException error)
        {
            WriteError(ErrorRecords.IncompleteFrame(error));
        }
    }
}
