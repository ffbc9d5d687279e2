using System.Buffers.Binary;

namespace MProxy.Engine.Routing;

/// <summary>
/// What routing has to know of a DNS message: its one question's name (RFC 1035, section 4; RFC 9619 allows no second question). Pure: the rest of
/// the message is passed on as it came, whatever its type and extensions.
/// </summary>
/// <param name="Name">The name asked for, as names are compared: lower case, whatever the query's spelling; null for the root, and <see cref="NoName"/> for one that nobody can be granted.</param>
/// <param name="IsAnswer">The message answers a question instead of asking it.</param>
/// <param name="QuestionEnd">How many bytes header and question have together.</param>
internal sealed record DnsQuery(string? Name, bool IsAnswer, int QuestionEnd)
{
    /// <summary>The bytes of the header.</summary>
    public const int HeaderLength = 12;

    /// <summary>The most bytes that header and question can have: a name of 255, its type and its class.</summary>
    public const int MaxQuestionEnd = HeaderLength + MaxNameLength + TypeAndClassLength;

    /// <summary>Stands for a name that is no host's: it is nobody's, and not that of the port's holder either.</summary>
    public const string NoName = ".";

    private const int MaxNameLength = 255;
    private const int MaxLabelLength = 63;
    private const int TypeAndClassLength = 4;
    private const byte AnswerBit = 0x80;
    private const byte TruncatedBit = 0x02;
    private const byte OpcodeAndRecursionDesired = 0x79;
    private const byte Refused = 5;

    /// <summary>Reads the question of a message; null where it has not exactly one, or is malformed.</summary>
    /// <param name="message">The message, or as much of it as is there.</param>
    /// <param name="needsMore">It may be one, but its question is not all here.</param>
    public static DnsQuery? TryRead(ReadOnlySpan<byte> message, out bool needsMore)
    {
        needsMore = message.Length < HeaderLength;
        if (needsMore || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1)
        {
            return null;
        }

        Span<char> name = stackalloc char[MaxNameLength];
        var length = 0;
        var isName = true;
        var at = HeaderLength;
        for (; ; )
        {
            if (at >= message.Length)
            {
                needsMore = at <= HeaderLength + MaxNameLength;
                return null;
            }

            int label = message[at++];
            if (label == 0)
            {
                break;
            }

            // Nothing is there yet that a first name could point to.
            if (label > MaxLabelLength || at + label + 1 - HeaderLength > MaxNameLength)
            {
                return null;
            }

            if (at + label > message.Length)
            {
                needsMore = true;
                return null;
            }

            foreach (var letter in message.Slice(at, label))
            {
                // A dot within a label would be read as the end of one.
                isName &= letter is > (byte)' ' and < 0x7f and not (byte)'.' and not (byte)':';
                name[length++] = (char)letter;
            }

            name[length++] = '.';
            at += label;
        }

        needsMore = message.Length < at + TypeAndClassLength;
        return needsMore ? null
            : new DnsQuery(length == 0 ? null : (isName ? ServerName.TryFold(name[..length].ToString()) : null) ?? NoName, (message[2] & AnswerBit) != 0, at + TypeAndClassLength);
    }

    /// <summary>The answer that nobody here answers such a question. No longer than the question.</summary>
    public byte[] ToRefused(ReadOnlySpan<byte> message) => Answer(message, flags: AnswerBit, Refused);

    /// <summary>The answer that the real one is too long for this way: whoever asked comes again over TCP. No longer than the question.</summary>
    /// <param name="message">The question, or its real answer.</param>
    public byte[] ToTruncated(ReadOnlySpan<byte> message) => Answer(message, AnswerBit | TruncatedBit, responseCode: 0);

    private byte[] Answer(ReadOnlySpan<byte> message, byte flags, byte responseCode)
    {
        // Header and question as they came, also in their spelling, which some who ask compare; no record behind them.
        var answer = message[..QuestionEnd].ToArray();
        answer[2] = (byte)((answer[2] & OpcodeAndRecursionDesired) | flags);
        answer[3] = responseCode;
        answer.AsSpan(6, HeaderLength - 6).Clear();
        return answer;
    }
}
