using System.Collections.Frozen;
using System.Net.Sockets;
using System.Reflection;
using MProxy.Engine.Link;

namespace MProxy.Engine.Metrics;

/// <summary>
/// The words that series are told apart by. Each is one of a few: what a client or peer may choose itself would make up series without end,
/// and shows nowhere here.
/// </summary>
internal static class MetricWords
{
    /// <summary>Anything that is none of the known words.</summary>
    public const string Other = "other";

    private static readonly FrozenSet<string> Services = WordsOf(typeof(ClientService));

    private static readonly FrozenSet<string> Codes = WordsOf(typeof(ErrorCode));

    /// <summary>The service of a client.</summary>
    public static string Service(string? service) => service is not null && Services.TryGetValue(service, out var known) ? known : Other;

    /// <summary>How a client or link ended: an error code of this program, or <paramref name="inOrder"/> where there is none.</summary>
    public static string End(string? code, string inOrder) => code is null ? inOrder : Codes.TryGetValue(code, out var known) ? known : Other;

    /// <summary>One of this program's own fixed sentences as a word: <c>no device serves its port</c> is <c>no_device_serves_its_port</c>.</summary>
    public static string Slug(string sentence) =>
        string.Join('_', sentence.ToLowerInvariant().Split([.. sentence.Where(letter => !char.IsAsciiLetterOrDigit(letter)).Distinct()], StringSplitOptions.RemoveEmptyEntries));

    /// <summary>What became of a dial: <c>ok</c> where nothing failed.</summary>
    public static string Outcome(Exception? failure) => failure switch
    {
        null => "ok",
        OperationCanceledException or SocketException { SocketErrorCode: SocketError.TimedOut } => "timeout",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "refused",
        SocketException { SocketErrorCode: SocketError.HostUnreachable or SocketError.NetworkUnreachable } => "unreachable",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData or SocketError.NoRecovery } => "unresolved",
        _ => Other,
    };

    /// <summary>The constants of a class, so that a new one is known here too.</summary>
    private static FrozenSet<string> WordsOf(Type type) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!).ToFrozenSet(StringComparer.Ordinal);
}
