using System.Globalization;

namespace MProxy.Engine.Device;

/// <summary>One line of what a relay lets a link serve: <c>["https","example.com"]</c>, <c>["tcp","example.com",[9000]]</c>. Source: protocol.md, section 2.</summary>
public sealed record ServiceGrant(string Service, string Name, IReadOnlyList<int> Ports)
{
    /// <summary>Reads the third element of a grant message; what is no such line is left out.</summary>
    internal static ServiceGrant[] ParseAll(object? content) =>
        content is object?[] lines ? lines.Select(Parse).OfType<ServiceGrant>().ToArray() : [];

    /// <inheritdoc/>
    public override string ToString() =>
        Ports.Count == 0 ? $"{Service} {Name}".TrimEnd()
            : $"{Service} {Name}:{string.Join(',', Ports.Select(port => port.ToString(CultureInfo.InvariantCulture)))}";

    private static ServiceGrant? Parse(object? line) => line switch
    {
        object?[] { Length: >= 2 } parts when parts[0] is string service && parts[1] is string name =>
            new ServiceGrant(PlainText.Of(service), PlainText.Of(name), parts.Skip(2).SelectMany(PortsOf).ToArray()),
        _ => null,
    };

    private static IEnumerable<int> PortsOf(object? value) => value switch
    {
        long port and >= 0 and <= ushort.MaxValue => [(int)port],
        object?[] list => list.OfType<long>().Where(port => port is >= 0 and <= ushort.MaxValue).Select(port => (int)port),
        _ => [],
    };
}
