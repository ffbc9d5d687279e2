using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Http;

namespace MProxy.Fuzz.Targets;

/// <summary>The upgrade to WebSocket: a yes or an answer, never both, neither of them with a line of the asker's, and the token in neither.</summary>
internal static class UpgradeTarget
{
    private const int ResponseLines = 6;

    public static void Run(ReadOnlySpan<byte> input)
    {
        if (HttpRequestHead.Read(input).Head is not { } head)
        {
            return;
        }

        var (upgrade, answer) = WebSocketUpgrade.Decide(head, input.Length > head.Length, "/", acceptPages: input.Length % 2 == 0);
        FuzzTargets.Require(upgrade is null != answer is null, "Neither a yes nor a no.");
        if (upgrade is null)
        {
            FuzzTargets.Require(answer!.ToBytes(withBody: true).Length > 0, "An answer that says nothing.");
            return;
        }

        var text = Encoding.Latin1.GetString(upgrade.Response);
        FuzzTargets.Require(text.Split("\r\n").Length == ResponseLines, "Whoever asks writes a line of the answer.");
        FuzzTargets.Require(QueryToken.TryFind(upgrade.Path, out var shown) && shown is null or "***", "A token shows.");
    }
}
