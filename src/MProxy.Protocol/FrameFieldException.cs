namespace MProxy.Protocol;

/// <summary>A header field that cannot be written; nothing was.</summary>
public sealed class FrameFieldException : ArgumentException
{
    /// <summary>Says what is wrong with which field.</summary>
    public FrameFieldException(string field, string message)
        : base(message) => Field = field;

    /// <summary>The field: Family, Address, Port, Service, ServicePort, Name, or Header for all together.</summary>
    public string Field { get; }
}
