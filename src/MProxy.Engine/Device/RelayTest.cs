using MProxy.Engine.Carriers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>Whether a relay can be used, and where it fails if not.</summary>
public sealed record RelayTest
{
    /// <summary>The relay.</summary>
    public CarrierUri? RelayUri { get; private init; }

    /// <summary>It answered, greeted, and accepted the token where one was given.</summary>
    public bool Success { get; private init; }

    /// <summary>Something accepts connections there.</summary>
    public bool Reachable { get; private init; }

    /// <summary><c>Tls12</c> or <c>Tls13</c>; null without TLS, or where it failed.</summary>
    public string? TlsProtocol { get; private init; }

    /// <summary>SHA-256 of the relay's certificate, in hex; null without TLS, or where it failed.</summary>
    public string? Thumbprint { get; private init; }

    /// <summary>It speaks M-PROXY.</summary>
    public bool Hello { get; private init; }

    /// <summary>It accepted the token; null where none was given, or the relay did not come to say.</summary>
    public bool? TokenAccepted { get; private init; }

    /// <summary>How long a message there and back takes.</summary>
    public TimeSpan? RoundTrip { get; private init; }

    /// <summary>Why not; null where all is well.</summary>
    public string? Message { get; private init; }

    /// <summary>Connects, asks, and disconnects. A relay that cannot be used is a result, not an exception.</summary>
    /// <exception cref="ArgumentException">An option does not fit the address.</exception>
    public static async Task<RelayTest> RunAsync(DeviceLinkOptions options, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        var result = new RelayTest { RelayUri = options.Relay };
        try
        {
            var link = await DeviceLink.ConnectAsync(options with { Tokens = [] }, time, cancellationToken).ConfigureAwait(false);
            await using (link.ConfigureAwait(false))
            {
                // An old relay does not know the command; that answer takes as long.
                var ping = await link.SendControlAsync("ping", [], cancellationToken).ConfigureAwait(false);
                var refused = await FindRefusalAsync(link, options.Tokens, cancellationToken).ConfigureAwait(false);
                return result with
                {
                    Success = refused is null,
                    Reachable = true,
                    TlsProtocol = link.TlsProtocol,
                    Thumbprint = link.Thumbprint,
                    Hello = true,
                    TokenAccepted = options.Tokens.Count == 0 || refused?.Code is ErrorCode.Timeout or ErrorCode.LinkLost or ErrorCode.PortUnavailable ? null : refused is null,
                    RoundTrip = ping.Code == ErrorCode.Timeout ? link.RoundTrip : ping.RoundTrip,
                    Message = refused?.Message,
                };
            }
        }
        catch (LinkException error) when (error.InnerException is ArgumentException wrong)
        {
            throw new ArgumentException(wrong.Message, wrong);
        }
        catch (LinkException error)
        {
            return result with
            {
                Reachable = error.InnerException is not CarrierException { Stage: CarrierStage.Connect },
                Hello = error.IsFinal,
                TokenAccepted = error.IsFinal ? false : null,
                Message = error.Message,
            };
        }
    }

    /// <summary>Asks whether tokens hold. Showing them would take over from a device that has the same token id; relays that cannot be asked leave no choice.</summary>
    private static async Task<ControlReply?> FindRefusalAsync(DeviceLink link, IReadOnlyList<string> tokens, CancellationToken cancellationToken)
    {
        foreach (var token in tokens)
        {
            var reply = await link.SendControlAsync("check_token", [token], cancellationToken).ConfigureAwait(false);
            if (reply.Code == ErrorCode.UnknownCommand)
            {
                reply = await link.SendControlAsync("add_token", [token], cancellationToken).ConfigureAwait(false);
            }

            if (!reply.Success)
            {
                return reply;
            }
        }

        return null;
    }
}
