using System.Collections;
using System.Reflection;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine;

/// <summary>
/// Finds what differs between the options of something that runs and others for it. An option is fixed unless it is named as one that may
/// change, so that nobody has to remember a new one here: it is refused.
/// </summary>
internal static class FixedOptions
{
    /// <summary>Refuses options of which one differs that may not.</summary>
    /// <param name="what">What runs, as a sentence names it.</param>
    /// <param name="current">What it does now.</param>
    /// <param name="next">What it is to do.</param>
    /// <param name="mayChange">What may differ: <c>Limits</c>; <c>Carrier.Certificate</c> for one option of another's; <c>Relays.Tokens</c> for that of each in a list.</param>
    /// <exception cref="FixedOptionException">Names all that differ and may not.</exception>
    public static void Check<T>(string what, T current, T next, params string[] mayChange)
        where T : class
    {
        var different = Differences("", current, next, mayChange).Distinct().ToArray();
        if (different.Length > 0)
        {
            throw new FixedOptionException(what, different);
        }
    }

    private static IEnumerable<string> Differences(string path, object current, object next, string[] mayChange)
    {
        foreach (var option in OptionsOf(current))
        {
            var name = path + option.Name;
            var (before, after) = (option.GetValue(current), option.GetValue(next));
            if (mayChange.Contains(name) || AreSame(before, after))
            {
                continue;
            }

            var isMixed = Array.Exists(mayChange, other => other.StartsWith($"{name}.", StringComparison.Ordinal));
            var pairs = isMixed ? Pair(before, after) : null;
            foreach (var difference in pairs?.SelectMany(pair => Differences($"{name}.", pair.Before, pair.After, mayChange)) ?? [name])
            {
                yield return difference;
            }
        }
    }

    /// <summary>By content, also of lists, certificates and the options of others.</summary>
    private static bool AreSame(object? before, object? after) => (before, after) switch
    {
        _ when ReferenceEquals(before, after) => true,
        (X509Certificate one, X509Certificate other) => one.GetRawCertData().AsSpan().SequenceEqual(other.GetRawCertData()),
        (IEnumerable and not string, IEnumerable and not string) => Pair(before, after)?.All(pair => AreSame(pair.Before, pair.After)) == true,
        ({ } one, { } other) when IsOptions(one.GetType()) && one.GetType() == other.GetType() =>
            OptionsOf(one).All(option => AreSame(option.GetValue(one), option.GetValue(other))),
        _ => Equals(before, after),
    };

    /// <summary>What is in two lists, side by side, or what is no list; null where one has more than the other.</summary>
    private static IEnumerable<(object Before, object After)>? Pair(object? before, object? after)
    {
        object[] ofBefore = ToList(before);
        object[] ofAfter = ToList(after);
        return ofBefore.Length == ofAfter.Length ? ofBefore.Zip(ofAfter) : null;
    }

    private static object[] ToList(object? value) => value switch
    {
        null => [],
        IEnumerable items => [.. items.Cast<object>()],
        _ => [value],
    };

    private static IEnumerable<PropertyInfo> OptionsOf(object options) => options.GetType().GetProperties().Where(property => property.CanWrite);

    private static bool IsOptions(Type type) => type.Assembly == typeof(FixedOptions).Assembly && type.Name.EndsWith("Options", StringComparison.Ordinal);
}
