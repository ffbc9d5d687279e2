namespace MProxy.Engine.Link;

/// <summary>A request of the peer on the control channel: <c>[id, name, arguments…]</c>.</summary>
internal readonly record struct ControlCommand(long Id, string Name, ReadOnlyMemory<object?> Arguments)
{
    public object? FirstArgument => Arguments.IsEmpty ? null : Arguments.Span[0];
}
