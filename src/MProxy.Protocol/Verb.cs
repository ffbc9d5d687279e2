namespace MProxy.Protocol;

/// <summary>The service names that are verbs, and the frame kinds they stand for. Case-sensitive, as on the wire.</summary>
public static class Verb
{
    /// <summary>The kind that the service field of a header stands for.</summary>
    public static FrameKind ToKind(ReadOnlySpan<byte> service) => service.Length switch
    {
        3 when service.SequenceEqual("end"u8) => FrameKind.End,
        5 when service.SequenceEqual("error"u8) => FrameKind.Error,
        5 when service.SequenceEqual("pause"u8) => FrameKind.Pause,
        6 when service.SequenceEqual("resume"u8) => FrameKind.Resume,
        7 when service.SequenceEqual("control"u8) => FrameKind.Control,
        10 when service.SequenceEqual("connection"u8) => FrameKind.Connection,
        _ => FrameKind.Message,
    };

    /// <summary>The verb on the wire for a kind, or null for a message.</summary>
    public static string? FromKind(FrameKind kind) => kind switch
    {
        FrameKind.Message => null,
        FrameKind.Connection => "connection",
        FrameKind.Control => "control",
        FrameKind.End => "end",
        FrameKind.Error => "error",
        FrameKind.Pause => "pause",
        FrameKind.Resume => "resume",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a frame kind."),
    };

    /// <summary>True where a service name would be read as a verb.</summary>
    public static bool IsVerb(string? service) =>
        service is "connection" or "control" or "end" or "error" or "pause" or "resume";
}
