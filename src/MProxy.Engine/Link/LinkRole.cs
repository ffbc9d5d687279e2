namespace MProxy.Engine.Link;

/// <summary>Which side of a link this is: the device dials, the relay answers and brings the clients.</summary>
internal enum LinkRole
{
    Relay,
    Device,
}
