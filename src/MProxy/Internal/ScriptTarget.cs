using System.Management.Automation;
using System.Reflection;
using MProxy.Engine;
using MProxy.Engine.Device;

namespace MProxy.Internal;

/// <summary>A script block where -Service names it, with all that it takes along. Each tunnel that gets it serves with one of its own.</summary>
internal sealed class ScriptTarget : IClientService
{
    private static readonly PropertyInfo? ModeOfScript = typeof(ScriptBlock).GetProperty("LanguageMode", BindingFlags.Instance | BindingFlags.NonPublic);

    private ScriptTarget(string text, IReadOnlyDictionary<string, object?> @using, PSLanguageMode mode) => (Text, Using, Mode) = (text, @using, mode);

    public string Text { get; }

    /// <summary>The values of its $using: expressions; see <see cref="UsingExpressions"/>.</summary>
    public IReadOnlyDictionary<string, object?> Using { get; }

    /// <summary>What it may do: no more than whoever wrote it, nor than whoever gives it.</summary>
    public PSLanguageMode Mode { get; }

    /// <exception cref="FormatException">A value of $using: is not there.</exception>
    public static ScriptTarget Of(ScriptBlock script, EngineIntrinsics engine)
    {
        var mode = engine.SessionState.LanguageMode;
        if (mode == PSLanguageMode.FullLanguage && ModeOfScript?.GetValue(script) is PSLanguageMode own)
        {
            mode = own;
        }

        return new ScriptTarget($"{script}", UsingExpressions.Resolve(script, engine), mode);
    }

    /// <summary>Services where each script is one of a tunnel's own, and those.</summary>
    /// <param name="services">The services as they were given.</param>
    /// <param name="limit">How many clients each script serves at once.</param>
    /// <param name="patience">How long a client may wait for its turn.</param>
    public static (ServiceMap Services, IReadOnlyList<ScriptService> Scripts) Prepare(ServiceMap services, int limit, TimeSpan patience)
    {
        List<ScriptService> scripts = [];
        var own = services.Select(target =>
        {
            if (target.Handler is not ScriptTarget script)
            {
                return target;
            }

            scripts.Add(new ScriptService(script, limit, patience));
            return LocalTarget.For(scripts[^1]);
        });
        return (own, scripts);
    }

    /// <inheritdoc/>
    public Task ServeAsync(Stream stream, ClientConnection client, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("It serves nobody before a tunnel has it.");

    /// <inheritdoc/>
    public override string ToString() => "{ script }";
}
