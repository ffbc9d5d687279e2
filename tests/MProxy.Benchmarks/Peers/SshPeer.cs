using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>ssh -R with a server of its own: the device's side dials, as in a tunnel of ours.</summary>
/// <param name="kind">How it is set up.</param>
/// <param name="wayKind">What the way of its link is like.</param>
internal sealed class SshPeer(PeerKind kind, WayKind wayKind = default) : TunnelPeer("ssh -R", kind)
{
    public override string? WhyMissing() => Programs.WhyMissing("ssh", "sshd", "ssh-keygen");

    protected override RunningTunnel StartTunnel(IPEndPoint service)
    {
        var (entrance, way) = (Ports.Free(), new LinkWay(wayKind));
        var folder = new TemporaryFolder();
        foreach (var key in new[] { "host", "user" })
        {
            Child.Run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.Path(key)]);
        }

        var configuration = folder.Write("sshd_config", $"""
            ListenAddress {way.Server}
            HostKey {folder.Path("host")}
            AuthorizedKeysFile {folder.Path("user.pub")}
            PidFile none
            UsePAM no
            StrictModes no
            PermitRootLogin yes
            AllowTcpForwarding yes
            Ciphers aes128-gcm@openssh.com
            MaxSessions 1000

            """);
        string[] options =
        [
            "-N", "-F", "none", "-i", folder.Path("user"), "-p", $"{way.Entrance.Port}", "-R", $"{entrance}:{service}",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes", "-o", "BatchMode=yes",
            "-o", "Compression=no", "-o", "Ciphers=aes128-gcm@openssh.com", $"{Environment.UserName}@127.0.0.1",
        ];
        var sshd = Programs.Find("sshd")!;
        return Together(
            entrance,
            () => folder,
            () => Child.Start(sshd, ["-D", "-e", "-f", configuration]).WhenItListens(way.Server),
            way.Start,
            () => Child.Start("ssh", options));
    }
}
