using System.Collections.Specialized;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>What a peer said to a control request: <c>[-id, null]</c>, <c>[-id, {"message","code"}]</c> or text. Source: protocol.md, section 2.</summary>
public sealed record ControlReply
{
    private ControlReply(long id, string? message, string? code, object? value)
    {
        Id = id;
        Message = message;
        Code = code;
        Value = value;
    }

    /// <summary>The id of the request; 0 for an error that answers none.</summary>
    public long Id { get; }

    /// <summary>The request was accepted.</summary>
    public bool Success => Message is null && Code is null;

    /// <summary>What was wrong; null where nothing was.</summary>
    public string? Message { get; }

    /// <summary>The code of what was wrong, such as <c>E_UNKNOWN_COMMAND</c>.</summary>
    public string? Code { get; }

    /// <summary>The second element of the reply, as parsed JSON.</summary>
    public object? Value { get; }

    /// <summary>How long the reply took.</summary>
    public TimeSpan RoundTrip { get; init; }

    internal static ControlReply Parse(long id, object? value) => value switch
    {
        // Old peers send text, newer ones an object.
        OrderedDictionary error when error.Contains("message") || error.Contains("code") =>
            new ControlReply(id, PlainText.Of(error["message"] as string ?? ""), PlainText.Of(error["code"] as string ?? ErrorBody.UnknownCode), value),
        string text => new ControlReply(id, PlainText.Of(text), ErrorBody.UnknownCode, value),
        _ => new ControlReply(id, null, null, value),
    };

    internal static ControlReply TimedOut(long id) => new(id, "the peer did not reply in time", ErrorCode.Timeout, null);

    internal static ControlReply LinkLost(long id) => new(id, "the link was lost before the reply came", ErrorCode.LinkLost, null);
}
