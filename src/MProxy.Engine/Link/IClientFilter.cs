namespace MProxy.Engine.Link;

/// <summary>Decides how much of what a client sends may go on. One thread asks it, another shows it the answers.</summary>
internal interface IClientFilter
{
    /// <summary>The answers are of interest: <see cref="AnswerSeen"/> is to be called with them.</summary>
    bool NeedsAnswer { get; }

    /// <summary>Decides about the client's next bytes.</summary>
    /// <param name="pending">All bytes from the first that was not allowed yet.</param>
    /// <param name="allowed">How many of them may be sent on, whatever the verdict.</param>
    FilterVerdict Check(ReadOnlySpan<byte> pending, out int allowed);

    /// <summary>Reads what comes from the other side, from its first byte on, in any pieces.</summary>
    void AnswerSeen(ReadOnlySpan<byte> bytes);
}
