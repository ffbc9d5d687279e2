using MProxy.Protocol;

namespace MProxy;

/// <summary>One whole frame, as PowerShell shows it. Header fields that the peer did not send are null.</summary>
public sealed class Frame
{
    private ErrorBody? _error;
    private IReadOnlyList<object?>? _control;
    private bool _controlParsed;

    /// <summary>A frame that was not read from a stream: <see cref="Offset"/> is 0.</summary>
    public Frame(FrameKind kind, in FrameMeta meta, byte[] data)
        : this(kind, meta, data.Length, 0) => SetData(data);

    internal Frame(in FrameHeader header, in FrameMeta meta, long offset)
        : this(header.Kind, meta, header.BodyLength, offset)
    {
    }

    private Frame(FrameKind kind, in FrameMeta meta, long length, long offset)
    {
        Kind = kind;
        Family = meta.Family;
        Address = meta.Address;
        Port = meta.Port;
        Service = meta.Service;
        ServicePort = meta.ServicePort;
        Name = meta.Name;
        Length = length;
        Offset = offset;
    }

    /// <summary>What the frame is for.</summary>
    public FrameKind Kind { get; }

    /// <summary><c>IPv4</c> or <c>IPv6</c>; other families are passed on as sent.</summary>
    public string? Family { get; }

    /// <summary>The remote client's address, as it stands on the wire.</summary>
    public string? Address { get; }

    /// <summary>The client's source port.</summary>
    public int? Port { get; }

    /// <summary>The service of a message or connection; null for the other verbs, which do not name it.</summary>
    public string? Service { get; }

    /// <summary>The port the client came in on.</summary>
    public int? ServicePort { get; }

    /// <summary>Server name, host, ….</summary>
    public string? Name { get; }

    /// <summary>The body's length as declared, in bytes.</summary>
    public long Length { get; }

    /// <summary>The body. The single space with which old peers pad the body of a verb counts as empty.</summary>
    public byte[] Data { get; private set; } = [];

    /// <summary>Where the frame starts, in bytes from the start of the stream.</summary>
    public long Offset { get; }

    /// <summary>The client's identity on its link; null on control frames.</summary>
    public string? SocketId => Kind == FrameKind.Control ? null : $"{Family},{Address},{Port}";

    /// <summary>Of an error frame: what happened. Null for other kinds.</summary>
    public string? Message => Error?.Message;

    /// <summary>Of an error frame: its code, such as <c>E_NO_CONN</c>. Null for other kinds.</summary>
    public string? Code => Error?.Code;

    /// <summary>Of a control frame: the parsed JSON array. Null for other kinds, and where the body is no JSON array.</summary>
    public IReadOnlyList<object?>? Control
    {
        get
        {
            if (!_controlParsed && Kind == FrameKind.Control)
            {
                _control = JsonText.TryParse(Data, out var value) ? value as object?[] : null;
            }

            _controlParsed = true;
            return _control;
        }
    }

    private ErrorBody? Error => Kind == FrameKind.Error ? _error ??= ErrorBody.Parse(Data) : null;

    internal void SetData(byte[] data) => Data = Kind != FrameKind.Message && data is [(byte)' '] ? [] : data;
}
