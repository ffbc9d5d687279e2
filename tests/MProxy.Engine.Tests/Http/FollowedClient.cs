using System.Text;
using MProxy.Engine.Http;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Http;

/// <summary>A client whose bytes go through a follower as a relay would send them: what is not allowed yet is shown again.</summary>
internal sealed class FollowedClient
{
    private readonly List<byte> _pending = [];

    public HttpRequestFollower Follower { get; } = new("h", host => host == "-" ? null : host.ToLowerInvariant());

    /// <summary>How many bytes were let through.</summary>
    public int Allowed { get; private set; }

    public FilterVerdict Verdict { get; private set; }

    /// <summary>Sends more; also nothing, to ask again.</summary>
    public FilterVerdict Send(ReadOnlySpan<byte> bytes)
    {
        _pending.AddRange(bytes);
        Verdict = Follower.Check(_pending.ToArray(), out var allowed);
        Assert.InRange(allowed, 0, _pending.Count);
        Assert.Equal(Verdict == FilterVerdict.Stop, Follower.Reason is not null);
        if (Verdict != FilterVerdict.Stop)
        {
            Assert.Equal(Verdict == FilterVerdict.Go, allowed == _pending.Count);
        }

        _pending.RemoveRange(0, allowed);
        Allowed += allowed;
        return Verdict;
    }

    public FilterVerdict Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    public void Answer(string text) => Follower.AnswerSeen(Encoding.Latin1.GetBytes(text));
}
