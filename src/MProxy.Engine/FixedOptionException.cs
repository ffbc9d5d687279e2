namespace MProxy.Engine;

/// <summary>Something that runs cannot do otherwise in some way before it is started again. Nothing of it was changed.</summary>
public sealed class FixedOptionException : InvalidOperationException
{
    internal FixedOptionException(string what, IReadOnlyList<string> options)
        : base($"{string.Join(", ", options)} cannot change while the {what} runs: stop it, and start it with the new value.") => Options = options;

    /// <summary>The options that would have to change, such as <c>TcpPort</c> or <c>Link.HighMark</c>.</summary>
    public IReadOnlyList<string> Options { get; }
}
