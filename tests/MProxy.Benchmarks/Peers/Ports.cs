using System.Net;
using MProxy.Engine.Tests;

namespace MProxy.Benchmarks.Peers;

/// <summary>Ports of this machine for programs that have to be told one.</summary>
internal static class Ports
{
    public static IPEndPoint Free() => new(IPAddress.Loopback, FreePort.Take());
}
