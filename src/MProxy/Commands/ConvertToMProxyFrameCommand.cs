using System.Collections;
using System.Management.Automation;
using System.Net;
using MProxy.Internal;
using MProxy.Protocol;

namespace MProxy.Commands;

/// <summary>ConvertTo-MProxyFrame: one frame per pipeline object, or the frame that a published test manifest describes.</summary>
[Cmdlet(VerbsData.ConvertTo, "MProxyFrame", DefaultParameterSetName = InputSet, SupportsShouldProcess = true)]
[OutputType(typeof(byte[]))]
public sealed class ConvertToMProxyFrameCommand : PSCmdlet, IDisposable
{
    private const string InputSet = "InputObject";
    private const string ManifestSet = "Manifest";
    private const string Supported = "pass byte[], bytes or text, or use -AsJson; -Kind Control and -Kind Error take objects as they are.";

    private readonly MemoryStream _gathered = new();
    private FileStream? _file;
    private bool _writing = true;

    /// <summary>The body: byte[], single bytes (gathered into one body), text (its UTF-8), a frame, or objects with -AsJson.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ParameterSetName = InputSet)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public object? InputObject { get; set; }

    /// <summary>A manifest of the published compatibility check: JSON with version, address and filepath.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ManifestSet)]
    [ValidateNotNullOrEmpty]
    public string ManifestPath { get; set; } = "";

    /// <summary>What the frame is for.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = InputSet)]
    public FrameKind Kind { get; set; }

    /// <summary>The client's IP address.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = InputSet)]
    [AllowNull]
    [AllowEmptyString]
    public string? Address { get; set; }

    /// <summary>The client's source port, 0 to 65535.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = InputSet)]
    [AllowNull]
    public int? Port { get; set; }

    /// <summary>IPv4 or IPv6; follows from the address where it is left out.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = InputSet)]
    [AllowNull]
    [AllowEmptyString]
    public string? Family { get; set; }

    /// <summary>The service: https, http, ssh, … or tls, tcp, udp.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = InputSet)]
    [ArgumentCompleter(typeof(ServiceCompleter))]
    [AllowNull]
    [AllowEmptyString]
    public string? Service { get; set; }

    /// <summary>The port the client came in on; 0 counts as absent.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = InputSet)]
    [AllowNull]
    public int? ServicePort { get; set; }

    /// <summary>Server name, host, ….</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [AllowEmptyString]
    public string? Name { get; set; }

    /// <summary>Leave the body out: the header alone, declaring its length.</summary>
    [Parameter(ParameterSetName = InputSet)]
    public SwitchParameter HeaderOnly { get; set; }

    /// <summary>Serialise the object as JSON, in the form that JavaScript gives it.</summary>
    [Parameter(ParameterSetName = InputSet)]
    public SwitchParameter AsJson { get; set; }

    /// <summary>Write an empty body as one space, for old peers.</summary>
    [Parameter(ParameterSetName = InputSet)]
    public SwitchParameter LegacyPadding { get; set; }

    /// <summary>Leave out trailing empty header fields, as the published hex dump does.</summary>
    [Parameter(ParameterSetName = InputSet)]
    public SwitchParameter Compact { get; set; }

    /// <summary>Largest body, in bytes; single bytes piped in fill frames up to it.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int MaxFrameLength { get; set; } = WireFormat.DefaultMaxFrameLength;

    /// <summary>Write the frames to this file instead of the pipeline.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? OutFile { get; set; }

    private FrameEncoding Encoding =>
        (LegacyPadding ? FrameEncoding.LegacyPadding : FrameEncoding.Default) | (Compact ? FrameEncoding.Compact : FrameEncoding.Default);

    /// <inheritdoc/>
    public void Dispose()
    {
        _gathered.Dispose();
        _file?.Dispose();
    }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        if (OutFile is null)
        {
            return;
        }

        var path = GetUnresolvedProviderPathFromPSPath(OutFile);
        _writing = ShouldProcess(path, "Write frames");
        try
        {
            _file = _writing ? File.Create(path) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            ThrowTerminatingError(ErrorRecords.FileUnavailable(error, path));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == ManifestSet)
        {
            PackManifest();
            return;
        }

        var input = PSValue.Unwrap(InputObject);
        if (input is byte single && !AsJson)
        {
            Gather(single);
        }
        else
        {
            // What was gathered came first.
            FlushGathered();
            if (TryGetBody(input, out var body))
            {
                Pack(body);
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => FlushGathered();

    private void Gather(byte value)
    {
        _gathered.WriteByte(value);
        if (_gathered.Length == MaxFrameLength)
        {
            FlushGathered();
        }
    }

    private void FlushGathered()
    {
        if (_gathered.Length > 0)
        {
            var body = _gathered.ToArray();
            _gathered.SetLength(0);
            Pack(body);
        }
    }

    private bool TryGetBody(object? input, out byte[] body)
    {
        body = [];
        try
        {
            switch (input)
            {
                case null:
                    return true;
                case Frame frame:
                    body = frame.Data;
                    return true;
                case byte[] bytes when !AsJson:
                    body = bytes;
                    return true;
                case string text when !AsJson:
                    body = System.Text.Encoding.UTF8.GetBytes(text);
                    return true;
                case not null when !AsJson && PSValue.AsBytes(input) is { } bytes && Kind != FrameKind.Control:
                    body = bytes;
                    return true;
                case not null when !AsJson && PSValue.Property(input, "Address") is not null && input is not IDictionary:
                    // An address object, as in the manifest: its fields are bound, and it may carry a body.
                    return TryGetBody(PSValue.Property(input, "Data"), out body);
                case not null when AsJson || Kind is FrameKind.Control or FrameKind.Error:
                    var plain = PSValue.ToPlain(input);
                    body = JsonText.IsNoData(plain) ? [] : JsonText.Serialize(plain);
                    return true;
            }
        }
        catch (ArgumentException error)
        {
            WriteError(ErrorRecords.UnsupportedInput(input, error.Message));
            return false;
        }

        WriteError(ErrorRecords.UnsupportedInput(input, Supported));
        return false;
    }

    private void Pack(byte[] body)
    {
        if (body.Length > MaxFrameLength)
        {
            WriteError(ErrorRecords.FrameTooLong(body.Length, MaxFrameLength));
        }
        else if (TryGetMeta(out var meta))
        {
            Write(Kind, meta, body, Encoding);
        }
    }

    private bool TryGetMeta(out FrameMeta meta)
    {
        meta = default;
        if (Kind == FrameKind.Control)
        {
            return true;
        }

        if (string.IsNullOrEmpty(Address) || Port is null)
        {
            WriteError(ErrorRecords.MissingAddress(Kind, InputObject));
            return false;
        }

        var family = Family;
        if (string.IsNullOrEmpty(family))
        {
            if (!IPAddress.TryParse(Address, out _))
            {
                WriteError(ErrorRecords.InvalidAddress(Address));
                return false;
            }

            family = Address.Contains(':', StringComparison.Ordinal) ? "IPv6" : "IPv4";
        }

        meta = new FrameMeta { Family = family, Address = Address, Port = Port, Service = Service, ServicePort = ServicePort, Name = Name };
        return true;
    }

    private void PackManifest()
    {
        var path = GetUnresolvedProviderPathFromPSPath(ManifestPath);
        try
        {
            var manifest = PackManifestFile.Read(path);
            var meta = manifest.Meta with { Name = MyInvocation.BoundParameters.ContainsKey(nameof(Name)) ? Name : manifest.Meta.Name };
            Write(FrameKind.Message, meta, manifest.Data, FrameEncoding.LegacyPadding);
        }
        catch (InvalidDataException error)
        {
            ThrowTerminatingError(ErrorRecords.InvalidManifest(path, error.Message, error.InnerException));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            ThrowTerminatingError(ErrorRecords.FileUnavailable(error, (error as FileNotFoundException)?.FileName ?? path));
        }
    }

    private void Write(FrameKind kind, in FrameMeta meta, byte[] body, FrameEncoding encoding)
    {
        byte[] frame;
        try
        {
            frame = HeaderOnly ? FrameEncoder.EncodeHeader(kind, meta, body.Length, encoding) : FrameEncoder.Encode(kind, meta, body, encoding);
        }
        catch (FrameFieldException error)
        {
            WriteError(ErrorRecords.InvalidField(error, InputObject));
            return;
        }

        if (_file is not null)
        {
            _file.Write(frame);
        }
        else if (_writing)
        {
            WriteObject(frame, enumerateCollection: false);
        }
    }
}
