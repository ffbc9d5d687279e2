namespace MProxy.Engine.Link;

/// <summary>A link could not be made, or cannot go on.</summary>
public sealed class LinkException : IOException
{
    /// <summary>Says why.</summary>
    public LinkException(string message, Exception? inner = null, string? code = null)
        : base(message, inner) => Code = code;

    /// <summary>The peer's code, such as <c>E_INVALID_TOKEN</c>; null where it gave none.</summary>
    public string? Code { get; }

    /// <summary>Trying again with the same token is of no use.</summary>
    public bool IsFinal => Code is ErrorCode.InvalidToken or ErrorCode.NotGranted;
}
