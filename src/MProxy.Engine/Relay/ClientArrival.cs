using System.Net;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Relay;

/// <summary>A client that has said what it is for.</summary>
/// <param name="EndPoint">Where it comes from: as the trusted proxy in front says, where there is one.</param>
/// <param name="Introduction">What it said; null on a port where nothing is read first.</param>
/// <param name="First">The bytes that were read of it, which go to its device.</param>
/// <param name="Refusal">Why it goes nowhere; null where it may.</param>
internal sealed record ClientArrival(IPEndPoint EndPoint, ClientIntroduction? Introduction, ReadOnlyMemory<byte> First, ClientRefusal? Refusal = null);
