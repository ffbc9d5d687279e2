using System.Management.Automation;
using MProxy.Engine;
using MProxy.Engine.Access;
using MProxy.Engine.Capture;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Engine.Packets;
using MProxy.Internal.Configuration;
using MProxy.Protocol;

namespace MProxy.Internal;

/// <summary>Every error record of the module is made here, so that ids, categories and advice stay in one place.</summary>
internal static class ErrorRecords
{
    public static ErrorRecord CorruptFrame(ProtocolException error) => Create(
        error, ErrorId.CorruptFrame, ErrorCategory.InvalidData, error.Offset,
        "Check that the input starts at a frame, or use -Lenient to read what old peers send.");

    public static ErrorRecord IncompleteFrame(IncompleteFrameException error) => Create(
        error, ErrorId.IncompleteFrame, ErrorCategory.InvalidData, error.Offset, "Read again when the rest is there.");

    public static ErrorRecord InvalidPacketFile(PacketFileException error, string path) => Create(
        new InvalidDataException($"'{path}': {error.Message}", error), ErrorId.InvalidPacketFile, ErrorCategory.InvalidData, path,
        "Give a capture that tcpdump -w, dumpcap or Wireshark wrote; what comes before the damage was read.");

    public static ErrorRecord UnreadableLink(string problem, string path) => Create(
        new InvalidDataException($"'{path}', {problem}"), ErrorId.UnreadableLink, ErrorCategory.InvalidData, path,
        "Frames before that were read. Where it is no link, -Port chooses those that are; -Lenient reads what old peers send.");

    public static ErrorRecord InvalidField(FrameFieldException error, object? target) => Create(
        error, Named("Invalid", error.Field), ErrorCategory.InvalidArgument, target, $"Give another value for -{error.Field}.");

    public static ErrorRecord MissingAddress(FrameKind kind, object? target) => Create(
        new ArgumentException($"A {kind} frame needs the client's address and port."), ErrorId.MissingAddress, ErrorCategory.InvalidArgument, target,
        "Give -Address and -Port, or pipe objects that have these properties. Only -Kind Control does without.");

    public static ErrorRecord InvalidAddress(string? address) => Create(
        new ArgumentException($"'{address}' is no IP address, so its family is not known."), ErrorId.InvalidAddress, ErrorCategory.InvalidArgument, address,
        "Give an IPv4 or IPv6 address, or name the -Family.");

    public static ErrorRecord UnsupportedInput(object? input, string supported) => Create(
        new ArgumentException($"An object of type {input?.GetType().FullName ?? "null"} cannot be used here: {supported}"),
        ErrorId.UnsupportedInput, ErrorCategory.InvalidType, input, supported);

    public static ErrorRecord FrameTooLong(long length, int limit) => Create(
        new ArgumentException($"A body of {length} bytes is longer than -MaxFrameLength, which is {limit}."), ErrorId.FrameTooLong,
        ErrorCategory.LimitsExceeded, length, "Send it in pieces, or raise -MaxFrameLength on both sides.");

    public static ErrorRecord InvalidManifest(string path, string reason, Exception? inner = null) => Create(
        new InvalidDataException($"The manifest '{path}' cannot be used: {reason}", inner), ErrorId.InvalidManifest, ErrorCategory.InvalidData, path,
        "Write it as JSON with double quotes: version, address {family, address, port, service, serviceport} and filepath.");

    /// <summary>All that is wrong with a configuration file, the first ten of it.</summary>
    public static ErrorRecord InvalidConfiguration(string path, IReadOnlyList<ConfigurationProblem> problems)
    {
        const int Shown = 10;
        var lines = problems.Take(Shown).Select(problem => problem.ToText(Path.GetFileName(path))).ToList();
        if (problems.Count > Shown)
        {
            lines.Add($"and {problems.Count - Shown} more.");
        }

        return Create(
            new InvalidDataException(string.Join(Environment.NewLine, lines)), ErrorId.InvalidConfiguration, ErrorCategory.InvalidData, path,
            "Change the file; about_MProxy_Configuration says how it is written. Nothing was started.");
    }

    public static ErrorRecord FileUnavailable(Exception error, string path) => Create(
        error, ErrorId.FileUnavailable, ErrorCategory.OpenError, path, "Check that the file exists and can be opened.");

    public static ErrorRecord CaptureUnavailable(CaptureException error, string path) => Create(
        error, ErrorId.CaptureUnavailable, ErrorCategory.OpenError, path, "Give a path that can be written, and where no file is yet.");

    public static ErrorRecord KeyLogUnavailable(IOException error, string path) => Create(
        error, ErrorId.KeyLogUnavailable, ErrorCategory.OpenError, path, "Leave -KeyLogPath out, or give it in a new session before anything else uses TLS.");

    public static ErrorRecord AccessLogUnavailable(AccessLogException error, string? path) => Create(
        error, ErrorId.AccessLogUnavailable, ErrorCategory.OpenError, path, "Give a path that can be written, and that no other relay writes to.");

    public static ErrorRecord NotFound(string what, string name) => Create(
        new ItemNotFoundException($"There is no {what} named '{name}'."), Named(what, "NotFound"),
        ErrorCategory.ObjectNotFound, name,
        $"Get-MProxy{char.ToUpperInvariant(what[0])}{what[1..]} lists those there are.");

    public static ErrorRecord NameInUse(string what, string name) => Create(
        new InvalidOperationException($"There is a {what} named '{name}' already."), ErrorId.NameInUse, ErrorCategory.ResourceExists, name,
        "Choose another -Name, or stop the one there is.");

    public static ErrorRecord ChangeFailed(string what, Exception error, object target) => error is ArgumentException wrong
        ? InvalidOption(wrong, target, "Give another value. Nothing was changed.")
        : Create(error, Named(what, "ChangeFailed"), ErrorCategory.InvalidOperation, target, "Nothing was changed. Stop it, and start it as it should be.");

    public static ErrorRecord StartFailed(string what, Exception error, object target) => error is ArgumentException wrong
        ? InvalidOption(wrong, target)
        : Create(error, Named(what, "StartFailed"), ErrorCategory.ConnectionError, target, "Check the address, and that nothing else uses the port.");

    public static ErrorRecord ConnectFailed(string what, LinkException error, object target) =>
        error.InnerException is ArgumentException wrong ? InvalidOption(wrong, target)
        : error.IsFinal ? Create(error, ErrorId.TokenRefused, ErrorCategory.AuthenticationError, target, "Get a token that holds for this relay: New-MProxyToken makes one where its secret is known.")
        : Create(error, Named(what, "Failed"), ErrorCategory.ConnectionError, target, "Check the address with Test-MProxyRelay, which says how far it comes.");

    public static ErrorRecord TunnelFailed(LinkException error, string name) => Create(
        error, ErrorId.TunnelFailed, ErrorCategory.AuthenticationError, name, "Get a token that holds, stop the tunnel, and start it anew: it cannot be revived.");

    public static ErrorRecord NoLink(LinkException error, object target) => error.Code == ErrorCode.LinkLost
        ? Create(error, ErrorId.NoLink, ErrorCategory.ConnectionError, target, "Wait until the link's State is Connected, or connect again.")
        : Create(error, ErrorId.LinkInUse, ErrorCategory.ResourceBusy, target, "Stop the tunnel that has the link's clients, or connect another link.");

    public static ErrorRecord ClientNotFound(string socketId) => Create(
        new ItemNotFoundException($"There is no client '{socketId}' on this link, or no longer."), ErrorId.ClientNotFound, ErrorCategory.ObjectNotFound, socketId,
        "Answer the clients that Receive-MProxyFrame tells of, until their Error or both Ends.");

    public static ErrorRecord ConnectionNotFound(string socketId) => Create(
        new ItemNotFoundException($"There is no connection '{socketId}', or no longer."), ErrorId.ConnectionNotFound, ErrorCategory.ObjectNotFound, socketId,
        "Get-MProxyConnection lists those there are.");

    public static ErrorRecord ConnectionEnded(ClientConnection connection) => Create(
        new InvalidOperationException($"The connection '{connection}' has ended."), ErrorId.ConnectionEnded, ErrorCategory.ObjectNotFound, connection,
        "Get-MProxyConnection lists those there are.");

    public static ErrorRecord UnsupportedKind(Exception error, FrameKind kind) => Create(
        error, ErrorId.UnsupportedKind, ErrorCategory.InvalidArgument, kind, "Give -Kind Message, End or Error.");

    public static ErrorRecord InvalidCertificate(Exception error, string path) => Create(
        error, ErrorId.InvalidCertificate, ErrorCategory.InvalidData, path, "Give a PFX, or a PEM with its key inside or in -CertificateKeyPath.");

    public static ErrorRecord InvalidKey(Exception error, object? target) => Create(
        error, ErrorId.InvalidKey, ErrorCategory.InvalidArgument, target, "Give a secret of at least 32 bytes, or an RSA or P-256 key in PEM.");

    public static ErrorRecord InvalidToken(Exception error, object? target) => Create(
        error, ErrorId.InvalidToken, ErrorCategory.InvalidArgument, target, "Check the claims.");

    public static ErrorRecord InvalidOption(ArgumentException error, object? target, string advice = "Leave the parameter out, or use an address it goes with.") => Create(
        new ArgumentException(WithoutParameter(error), error), ErrorId.InvalidOption, ErrorCategory.InvalidArgument, target, advice);

    /// <summary>The names of .NET's parameters mean nothing to whoever typed a command.</summary>
    private static string WithoutParameter(ArgumentException error) =>
        error.ParamName is { } name ? error.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : error.Message;

    /// <summary>The id of two words.</summary>
    private static ErrorId Named(string first, string second) => Enum.Parse<ErrorId>(first + second, ignoreCase: true);

    private static ErrorRecord Create(Exception error, ErrorId id, ErrorCategory category, object? target, string advice) =>
        new(error, $"{id}", category, target) { ErrorDetails = new ErrorDetails(error.Message) { RecommendedAction = advice } };
}
