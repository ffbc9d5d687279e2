using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace MProxy.Engine.Carriers;

/// <summary>Words for why a relay cannot be reached. Nothing of a query, a header or a credential gets in.</summary>
internal static class DialFailure
{
    /// <summary>A relay as a sentence names it, with the address of its name where one was given.</summary>
    public static string Relay(CarrierUri uri, IPAddress? address) => $"the relay at {uri.Place}{(address is null ? "" : $" ({address})")}";

    /// <summary>A socket that did not connect.</summary>
    /// <param name="place">Such as <c>the relay at host:port</c>.</param>
    /// <param name="error">What the system says.</param>
    /// <param name="isFile">The place is a socket file.</param>
    public static CarrierException Connect(string place, SocketException error, bool isFile = false) => new(
        CarrierStage.Connect,
        $"No connection to {place}: " + error.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => "nobody listens there. Is it running, and is the port right?",
            SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "the name cannot be resolved. Is it spelt right, and does DNS work?",
            SocketError.TimedOut => "no answer. Is the address right, and does a firewall let it through?",
            SocketError.NetworkUnreachable or SocketError.HostUnreachable => "there is no route to it. Is the network up?",
            SocketError.AddressNotAvailable when isFile => "there is no such socket file. Is it running, and is the path right?",
            SocketError.AccessDenied => "access is denied.",
            _ => $"{error.Message}.",
        },
        error);

    /// <summary>What failed behind a connection that was there.</summary>
    public static Exception Of(CarrierUri uri, CertificateCheck check, Exception error)
    {
        if (check.Failure is not null)
        {
            return new CarrierException(CarrierStage.Tls, $"The relay at {uri.Place} is refused: {check.Failure}.", error);
        }

        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case CarrierException known:
                    return new CarrierException(known.Stage, known.Message, error);
                case AuthenticationException:
                    return Tls(uri, error, cause);
            }
        }

        return error is not (IOException or SocketException) ? error
            : uri.IsWebSocket ? new CarrierException(CarrierStage.Upgrade, $"The WebSocket upgrade with the relay at {uri.Place} failed: {PlainText.Of(error.Message)}", error)
            : Tls(uri, error, error);
    }

    /// <summary>An answer to the upgrade that is no upgrade.</summary>
    public static CarrierException Status(CarrierUri uri, HttpStatusCode status, Exception error) => new(
        CarrierStage.Upgrade,
        $"The relay at {uri.Place} answered {(int)status} instead of a WebSocket upgrade: " + (int)status switch
        {
            401 => "it wants a token, or does not accept the one given.",
            403 => "it forbids this device.",
            404 => "it has no WebSocket at this path. Is the path right?",
            407 => "a proxy wants credentials.",
            426 => "it speaks another version of WebSocket.",
            >= 300 and < 400 => "it is elsewhere now. Give the new address.",
            >= 500 => "it, or a proxy in front of it, has a problem.",
            _ => "is this an MProxy relay?",
        },
        error);

    /// <summary>A proxy that does not let through.</summary>
    public static CarrierException Proxy(CarrierUri uri, string proxy, HttpStatusCode? status, Exception error) => new(
        CarrierStage.Connect,
        $"{proxy} gives no connection to {uri.Place}: " + (int?)status switch
        {
            407 => "it wants credentials, or does not accept those given (407).",
            403 => "it forbids that (403).",
            { } code => $"it answered {code}.",
            null => "it does not answer as a proxy does.",
        },
        error);

    /// <summary>An upgrade that got no answer at all.</summary>
    public static CarrierException NoAnswer(CarrierUri uri) => new(
        CarrierStage.Upgrade,
        $"The relay at {uri.Place} closed the connection without an answer to the WebSocket upgrade: it is busy, {(uri.IsSecure ? "does not accept this device's certificate" : "wants TLS")}, or is no relay.");

    private static CarrierException Tls(CarrierUri uri, Exception error, Exception cause) => new(
        CarrierStage.Tls,
        $"No TLS with the relay at {uri.Place}: {cause.Message} Is it a TLS port, with TLS 1.2 or 1.3, and does it accept this device's certificate?",
        error);
}
