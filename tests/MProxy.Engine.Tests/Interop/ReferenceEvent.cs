using System.Text.Json;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Interop;

/// <summary>What came out of a codec, ours or the reference's, in the one form that both have: absent fields are empty, and a verb has no service.</summary>
internal sealed record ReferenceEvent(string Kind, string Family, string Address, string Port, string Service, string ServicePort, string Name, string Data, string Message, string Code)
{
    private static readonly string Space = Convert.ToBase64String(" "u8);

    public static ReferenceEvent Of(Frame frame) => new(
        frame.Kind.ToString().ToLowerInvariant(),
        frame.Family ?? "",
        frame.Address ?? "",
        $"{frame.Port}",
        frame.Service ?? "",
        $"{frame.ServicePort}",
        frame.Name ?? "",
        Convert.ToBase64String(frame.Data),
        frame.Message ?? "",
        frame.Code ?? "");

    public static ReferenceEvent Of(JsonElement told)
    {
        var kind = Text("kind");

        // Known differences: the reference gives the space of padding as data, and the verb as a service.
        var data = Text("data");
        return new(
            kind,
            Text("family"),
            Text("address"),
            Text("port"),
            kind is "message" or "connection" ? Text("service") : "",
            Text("serviceport"),
            Text("name"),
            kind != "message" && data == Space ? "" : data,
            kind == "error" ? Text("message") : "",
            kind == "error" ? Text("code") : "");

        string Text(string member) => told.TryGetProperty(member, out var value) ? $"{value}" : "";
    }

    /// <summary>All frames of our own codec, fed in these pieces.</summary>
    /// <exception cref="ProtocolException">It is not M-PROXY.</exception>
    public static IReadOnlyList<ReferenceEvent> Read(IEnumerable<byte[]> chunks, bool isLenient = false)
    {
        var reader = new FrameReader(isLenient);
        List<ReferenceEvent> events = [];
        foreach (var chunk in chunks)
        {
            ReadOnlySpan<byte> input = chunk;
            while (reader.TryRead(ref input, out var frame))
            {
                events.Add(Of(frame));
            }
        }

        return events;
    }

    /// <summary>All that the reference's codec tells of these pieces.</summary>
    public static async Task<IReadOnlyList<ReferenceEvent>> ReadAsync(NodeProgram codec, IEnumerable<byte[]> chunks) =>
        [.. (await codec.AskAsync(new { unpack = chunks.Select(Convert.ToBase64String) })).GetProperty("events").EnumerateArray().Select(Of)];
}
