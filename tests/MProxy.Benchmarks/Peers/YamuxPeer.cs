using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>hashicorp's yamux between two small Go programs, of which the device's side dials.</summary>
/// <param name="kind">How it is set up.</param>
/// <param name="wayKind">What the way of its link is like.</param>
/// <param name="window">What a stream may have on its way unanswered, in KiB; null for the library's own 256.</param>
internal sealed class YamuxPeer(PeerKind kind, WayKind wayKind = default, int? window = null) : TunnelPeer(window is null ? "yamux" : $"yamux, {window / 1024} MiB windows", kind)
{
    // Where Debian's package golang-github-hashicorp-yamux-dev puts it.
    private const string Library = "/usr/share/gocode/src/github.com/hashicorp/yamux";

    private static readonly Lazy<string> Program = new(Build);

    public override string? WhyMissing() =>
        Programs.WhyMissing("go") ?? (Directory.Exists(Library) ? null : "the package golang-github-hashicorp-yamux-dev is not on this machine");

    protected override RunningTunnel StartTunnel(IPEndPoint service)
    {
        var (entrance, way) = (Ports.Free(), new LinkWay(wayKind));
        return Together(
            entrance,
            () => Child.Start(Program.Value, ["relay", $"{way.Server}", $"{entrance}", $"{window ?? 256}"]).WhenItSays("ready"),
            way.Start,
            () => Child.Start(Program.Value, ["device", $"{way.Entrance}", $"{service}", $"{window ?? 256}"]));
    }

    private static string Build()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "yamux-tunnel");
        Child.Run(
            "go",
            ["build", "-o", program, RepositoryFolder.Find("tests", "MProxy.Benchmarks", "peers", "yamux", "main.go")],
            ("GO111MODULE", "off"),
            ("GOPATH", "/usr/share/gocode"));
        return program;
    }
}
