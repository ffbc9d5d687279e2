using System.Buffers;
using System.Buffers.Binary;

namespace MProxy.Engine.Routing;

/// <summary>
/// Reads the TLS ClientHello that a connection starts with, strictly: what two readers could take in two ways is malformed
/// (RFC 8446, sections 4.1.2 and 5.1; RFC 6066, section 3). Pure: bytes in, result out.
/// </summary>
public sealed class ClientHello
{
    /// <summary>The most bytes of the message, its header of 4 bytes included: as many as fit into one record.</summary>
    internal const int MaxMessageLength = 16 << 10;

    /// <summary>The most bytes over all, with the headers of the records that the message may be scattered over.</summary>
    internal const int MaxLength = 20 << 10;

    private const int RecordHeaderLength = 5;
    private const int MaxRecordLength = 16 << 10;
    private const byte HandshakeRecord = 22;
    private const byte ClientHelloMessage = 1;
    private const int MessageHeaderLength = 4;

    private readonly ArrayBufferWriter<byte> _message = new();
    private int _position;
    private int _recordLeft;
    private (ClientHelloStatus Status, string? Name) _result;

    internal ClientHello()
    {
    }

    /// <summary>The server name in the one spelling of names; null where the data starts with no whole ClientHello, or that names none.</summary>
    public static string? FindServerName(ReadOnlySpan<byte> data) => new ClientHello().Read(data).Name;

    /// <summary>
    /// Goes on with a connection's bytes. Looks at new ones only, so that a hello that comes in drops is not read over and over; what is not
    /// Incomplete stays as it is. Never Incomplete with <see cref="MaxLength"/> bytes.
    /// </summary>
    /// <param name="data">All bytes so far, those of earlier calls included. May go on behind the hello.</param>
    /// <returns>How far the hello is, and the folded name that it asks for where it is complete and asks for one.</returns>
    internal (ClientHelloStatus Status, string? Name) Read(ReadOnlySpan<byte> data)
    {
        var bounded = data[..Math.Min(data.Length, MaxLength)];
        while (_result.Status == ClientHelloStatus.Incomplete && TryStep(bounded[_position..]))
        {
        }

        if (_result.Status == ClientHelloStatus.Incomplete && bounded.Length == MaxLength)
        {
            _result = (ClientHelloStatus.Malformed, null);
        }

        return _result;
    }

    /// <summary>Takes a record's header, or what is here of its content.</summary>
    /// <returns>False where more bytes are needed for that.</returns>
    private bool TryStep(ReadOnlySpan<byte> rest)
    {
        if (_recordLeft == 0)
        {
            if (!IsRecordHeader(rest))
            {
                _result = (ClientHelloStatus.Malformed, null);
            }
            else if (rest.Length >= RecordHeaderLength)
            {
                _recordLeft = BinaryPrimitives.ReadUInt16BigEndian(rest[3..]);
                _position += RecordHeaderLength;
                return true;
            }

            return false;
        }

        var content = rest[..Math.Min(rest.Length, _recordLeft)];
        _message.Write(content);
        _position += content.Length;
        _recordLeft -= content.Length;
        _result = ReadMessage(_message.WrittenSpan, _recordLeft);
        return !content.IsEmpty;
    }

    /// <summary>As far as it is here: a handshake record of TLS 1.0 to 1.3, not empty. An SSL 2.0 hello has none.</summary>
    private static bool IsRecordHeader(ReadOnlySpan<byte> rest) =>
        (rest.Length < 1 || rest[0] == HandshakeRecord)
        && (rest.Length < 2 || rest[1] == 3)
        && (rest.Length < 3 || rest[2] is >= 1 and <= 4)
        && (rest.Length < RecordHeaderLength || BinaryPrimitives.ReadUInt16BigEndian(rest[3..]) is > 0 and <= MaxRecordLength);

    private static (ClientHelloStatus Status, string? Name) ReadMessage(ReadOnlySpan<byte> message, int recordLeft)
    {
        if (message is [not ClientHelloMessage, ..])
        {
            return (ClientHelloStatus.Malformed, null);
        }

        if (message.Length < MessageHeaderLength)
        {
            return (ClientHelloStatus.Incomplete, null);
        }

        var end = MessageHeaderLength + ((message[1] << 16) | BinaryPrimitives.ReadUInt16BigEndian(message[2..]));

        // Nothing may follow in the record: a client has no more to say before it is answered.
        if (end > MaxMessageLength || message.Length + recordLeft > end)
        {
            return (ClientHelloStatus.Malformed, null);
        }

        if (message.Length < end)
        {
            return (ClientHelloStatus.Incomplete, null);
        }

        return ClientHelloBody.TryReadName(message[MessageHeaderLength..], out var name)
            ? (ClientHelloStatus.Complete, name)
            : (ClientHelloStatus.Malformed, null);
    }
}
