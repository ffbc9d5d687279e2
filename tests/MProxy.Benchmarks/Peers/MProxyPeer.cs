using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>A relay and a tunnel of ours, each in a Shell of its own.</summary>
/// <param name="name">As the report calls it.</param>
/// <param name="kind">How it is set up.</param>
/// <param name="scheme">Of the link.</param>
/// <param name="wayKind">What the way of its link is like.</param>
internal sealed class MProxyPeer(string name, PeerKind kind, string scheme = "tcp", WayKind wayKind = default) : TunnelPeer(name, kind)
{
    /// <summary>Of the environment: in whose process completions of sockets are inlined.</summary>
    public const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    // Nobody else has limits: how many clients there may be, and how fast they may come, is for the load to say.
    private const string Limits = "-Limit @{ MaxClients = 100000; MaxClientsPerDevice = 100000; MaxClientsPerAddress = 100000; MaxNewClientsPerSecond = 0; MaxNewClientsPerAddress = 0 }";
    private const string Stay = "while ($true) { [Threading.Thread]::Sleep(500) }";

    private static readonly string Program = Programs.FindShell();

    protected override RunningTunnel StartTunnel(IPEndPoint service)
    {
        var (entrance, way) = (Ports.Free(), new LinkWay(wayKind));
        var folder = new TemporaryFolder();
        var isTls = scheme is "tls" or "wss";
        var certificate = isTls ? $"-CertificatePath '{BenchmarkCertificate.Write(folder)}'" : "";
        var trust = isTls ? "-SkipCertificateCheck" : "";
        return Together(
            entrance,
            () => folder,
            () => Shell($"$null = Start-MProxyRelay -Listen {scheme}://{way.Server} -TcpPort {entrance.Port} {certificate} {Limits}").WhenItListens(way.Server),
            way.Start,
            () => Shell($"$null = Start-MProxyTunnel -Relay {scheme}://{way.Entrance} -Service @{{ tcp = '{service}' }} {trust}"));
    }

    private Child Shell(string script) =>
        Child.Start(Program, ["-Command", $"{script}; {Stay}"], isAside: false, (InlineCompletions, Kind.HasFlag(PeerKind.Hosted) ? "0" : "1"));
}
