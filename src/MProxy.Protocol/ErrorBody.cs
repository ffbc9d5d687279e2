using System.Collections.Specialized;
using System.Text;

namespace MProxy.Protocol;

/// <summary>The body of an error frame: <c>{"message","code"}</c>, or whatever a peer sent instead. Source: protocol.md, section 1.</summary>
public sealed class ErrorBody
{
    /// <summary>The code of an error whose body is no JSON object.</summary>
    public const string UnknownCode = "E_UNKNOWN_ERR";

    private ErrorBody(string? message, string? code, OrderedDictionary properties)
    {
        Message = message;
        Code = code;
        Properties = properties;
    }

    /// <summary>What happened.</summary>
    public string? Message { get; }

    /// <summary>A code such as <c>E_NO_CONN</c>; absent where the peer's object has none.</summary>
    public string? Code { get; }

    /// <summary>All members of the JSON object; empty where the body was none. They never override the header's fields.</summary>
    public OrderedDictionary Properties { get; }

    /// <summary>Reads any body; never fails.</summary>
    public static ErrorBody Parse(ReadOnlySpan<byte> body) =>
        JsonText.TryParse(body, out var value) && value is OrderedDictionary properties
            ? new ErrorBody(properties["message"] as string, properties["code"] as string, properties)
            : new ErrorBody(Encoding.UTF8.GetString(body), UnknownCode, []);

    /// <summary>The body to send.</summary>
    public static byte[] Create(string message, string code) =>
        JsonText.Serialize(new OrderedDictionary { ["message"] = message, ["code"] = code });
}
