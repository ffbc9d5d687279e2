using System.Net.Sockets;
using MProxy.Engine.ProxyProtocol;

namespace MProxy.Fuzz.Targets;

/// <summary>The reader of PROXY headers: it needs its own bytes and no more, and what it read is written so that it reads the same.</summary>
internal static class ProxyHeaderTarget
{
    public static void Run(ReadOnlySpan<byte> input)
    {
        var (status, header) = ProxyHeaderReader.Read(input);
        FuzzTargets.Require((status == ProxyHeaderStatus.Complete) == (header is not null), "A header without its status.");
        if (header is null)
        {
            return;
        }

        FuzzTargets.Require(header.Length <= input.Length && ProxyHeaderReader.Read(input[..header.Length]).Header == header, "A header that needs what is behind it.");
        FuzzTargets.Require(ProxyHeaderReader.Read(input[..(header.Length - 1)]).Status == ProxyHeaderStatus.Incomplete, "A header that does not need its end.");
        FuzzTargets.Require(header.Source is null == header.Destination is null, "Half of a connection.");
        if (header is { Source: { AddressFamily: var family } source, Destination: { } destination } && destination.AddressFamily == family && family is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
        {
            var again = ProxyHeaderReader.Read(ProxyHeaderWriter.Write(header.Version, header.Source, header.Destination, header.Version == ProxyProtocolVersion.V2 ? header.Authority : null)).Header;
            FuzzTargets.Require(again is not null && again.Source!.Equals(header.Source) && again.Destination!.Equals(header.Destination), "What was read is written as another.");
        }
    }
}
