using MProxy.Engine.Routing;

namespace MProxy.Engine.Health;

/// <summary>What a relay is told of a device's service, besides its key: all that it needs to find the service of a client as the device does.</summary>
/// <param name="State">Whether it gets new clients.</param>
/// <param name="TakesStreams">It is for clients of streams.</param>
/// <param name="TakesDatagrams">It is for clients of datagrams.</param>
internal sealed record AnnouncedService(ServiceState State, bool TakesStreams = true, bool TakesDatagrams = false) : IServiceTarget;
