using System.Collections.Specialized;
using System.Text.RegularExpressions;
using MProxy.Protocol;

namespace MProxy.Engine.Capture;

/// <summary>
/// Takes tokens out of control messages. What is known to be harmless is kept and everything else replaced, since nobody can tell where a
/// peer that is not ours puts a secret.
/// </summary>
internal sealed partial class ControlSecrets
{
    private const string Token = "<token>";
    private const string NotShown = "<not shown>";

    // Room for the tokens of a link; a peer that shows more of them only wastes the room of its own.
    private const int MaxCount = 100;
    private const int MaxTotalLength = 1 << 20;

    private static readonly byte[] Unreadable = JsonText.Serialize(new object[] { "<unreadable>" });

    private readonly object _gate = new();
    private readonly List<string> _seen = [];

    /// <summary>Remembers a token: wherever it turns up later, it is replaced.</summary>
    public void Add(string secret)
    {
        lock (_gate)
        {
            if (secret.Length is 0 or > MaxTotalLength || _seen.Contains(secret))
            {
                return;
            }

            _seen.Add(secret);
            while (_seen.Count > MaxCount || _seen.Sum(other => other.Length) > MaxTotalLength)
            {
                _seen.RemoveAt(0);
            }
        }
    }

    /// <summary>The same message without secrets. One that no peer would understand is replaced whole.</summary>
    public byte[] Redact(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty || body.SequenceEqual(" "u8))
        {
            return body.ToArray();
        }

        return JsonText.TryParse(body, out var value) && value is object?[] { Length: >= 2 } message && message[0] is long id
            ? JsonText.Serialize(id > 0 ? RedactCommand(message) : RedactReply(message))
            : Unreadable;
    }

    private object?[] RedactCommand(object?[] message)
    {
        Func<object?, object?>? redact = message[1] switch
        {
            "add_token" or "check_token" or "delete_token" or "auth" or "authn" or "authz" or "access_token" => RedactToken,
            "hello" => KeepWords,
            "grant" or "services" => Hide,
            "drain" or "ping" => _ => NotShown,
            _ => null,
        };
        return redact is null ? [message[0], .. message.Skip(1).Select(_ => NotShown)] : [message[0], message[1], .. message.Skip(2).Select(redact)];
    }

    private object?[] RedactReply(object?[] message) =>
    [
        message[0],
        message[1] switch
        {
            null => null,
            string text => Hide(text),
            OrderedDictionary error => RedactError(error),
            _ => NotShown,
        },
        .. message.Skip(2).Select(_ => NotShown),
    ];

    private OrderedDictionary RedactError(OrderedDictionary error)
    {
        var kept = new OrderedDictionary();
        foreach (var member in new[] { "message", "code" })
        {
            if (error.Contains(member))
            {
                kept[member] = error[member] is string text ? Hide(text) : NotShown;
            }
        }

        return kept;
    }

    private object? RedactToken(object? argument)
    {
        // A star stands for all of them, and is none.
        if (argument is "*")
        {
            return argument;
        }

        Remember(argument);
        return Token;
    }

    private void Remember(object? argument)
    {
        switch (argument)
        {
            case string text:
                Add(text);
                break;
            case object?[] items:
                Array.ForEach(items, Remember);
                break;
            case OrderedDictionary members:
                foreach (var value in members.Values)
                {
                    Remember(value);
                }

                break;
            default:
                break;
        }
    }

    /// <summary>Versions, and the names of commands.</summary>
    private object? KeepWords(object? argument) => argument switch
    {
        object?[] items => items.Select(KeepWords).ToArray(),
        string word => Word().IsMatch(word) ? Hide(word) : NotShown,
        long => argument,
        _ => NotShown,
    };

    private object? Hide(object? value) => value switch
    {
        string text => Hide(text),
        object?[] items => items.Select(Hide).ToArray(),
        OrderedDictionary => NotShown,
        _ => value,
    };

    private string Hide(string text)
    {
        string[] seen;
        lock (_gate)
        {
            seen = [.. _seen];
        }

        // The longest first: one may be the start of another.
        foreach (var secret in seen.OrderByDescending(secret => secret.Length))
        {
            text = text.Replace(secret, Token, StringComparison.Ordinal);
        }

        return JsonWebToken().Replace(text, Token);
    }

    [GeneratedRegex("^[a-z_]{1,32}$")]
    private static partial Regex Word();

    /// <summary>What starts like a JSON object in base64url, whole or cut short.</summary>
    [GeneratedRegex(@"(?:ey[A-Z]|ew[o0k])[A-Za-z0-9_-]{12,}(?:\.[A-Za-z0-9_-]*)*")]
    private static partial Regex JsonWebToken();
}
