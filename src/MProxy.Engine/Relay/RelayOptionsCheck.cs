using System.Net;
using MProxy.Engine.Carriers;
using MProxy.Engine.Fleet;

namespace MProxy.Engine.Relay;

/// <summary>Refuses options that no relay can work with, before it opens or changes anything.</summary>
internal static class RelayOptionsCheck
{
    /// <summary>What may be another while a relay runs.</summary>
    private static readonly string[] MayChange =
    [
        nameof(RelayOptions.Limits),
        nameof(RelayOptions.Keys),
        nameof(RelayOptions.Audience),
        nameof(RelayOptions.RevokedTokenIds),
        nameof(RelayOptions.TokenTimeout),
        nameof(RelayOptions.ExactNamesOnly),
        nameof(RelayOptions.Balance),
        nameof(RelayOptions.TrustedProxy),
        nameof(RelayOptions.RedirectToHttps),
        nameof(RelayOptions.FirstByteTimeout),
        nameof(RelayOptions.Carrier),
    ];

    /// <summary>Checks options as a whole. What a carrier needs, its listener checks.</summary>
    /// <exception cref="InvalidOperationException">A relay without a secret would accept links from beyond this machine.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or does not go with the others.</exception>
    public static void Check(RelayOptions options)
    {
        foreach (var uri in options.Listen)
        {
            if (!uri.IsLocalOnly && !options.RequiresToken && !(options.RequiresCertificate && uri.IsSecure))
            {
                throw new InvalidOperationException(
                    $"A relay without a secret accepts links on loopback only, and {uri} is open to others: give it a secret or public key to check tokens with, require client certificates on tls or wss, or listen on {uri.Scheme}://127.0.0.1:{uri.Port}.");
            }
        }

        Refuse(options.RedirectToHttps && options.HttpPort.Count + options.MixedPort.Count == 0, $"{nameof(RelayOptions.RedirectToHttps)} is for clients of HttpPort or MixedPort, and there is none.");
        Refuse(options.RevokedTokenIds.Any(string.IsNullOrEmpty), $"{nameof(RelayOptions.RevokedTokenIds)} holds an empty id, which no token has.");
        CheckTime(options.TokenTimeout, nameof(RelayOptions.TokenTimeout));
        CheckTime(options.FirstByteTimeout, nameof(RelayOptions.FirstByteTimeout));
        CheckTime(options.Carrier.HandshakeTimeout, nameof(ListenOptions.HandshakeTimeout));
        CheckLimits(options.Limits);
        if (options.Fleet is { } fleet)
        {
            CheckFleet(fleet);
        }
    }

    /// <summary>Checks options for a relay that runs.</summary>
    /// <exception cref="FixedOptionException">One differs that cannot change.</exception>
    /// <exception cref="InvalidOperationException">A relay without a secret would accept links from beyond this machine.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or does not go with the others.</exception>
    public static void CheckChange(RelayOptions current, RelayOptions next)
    {
        FixedOptions.Check("relay", current, next, MayChange);
        if (current.RequiresToken != next.RequiresToken)
        {
            // Links are let in by other rules then: those that are up would be neither here nor there.
            throw new InvalidOperationException(current.RequiresToken
                ? "A relay that asks for tokens cannot do without keys while it runs: stop it, and start it without."
                : "A relay that asks for no tokens cannot ask for them while it runs: stop it, and start it with keys.");
        }

        Check(next);
    }

    private static void CheckFleet(FleetOptions fleet)
    {
        Refuse(
            fleet.NodeName.Length is 0 or > 64 || !fleet.NodeName.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'),
            $"{nameof(FleetOptions.NodeName)} has 1 to 64 letters, digits and any of -_. and nothing else.");
        Refuse(
            !fleet.PeerListen.IsSecure || fleet.PeerAddress is { IsSecure: false },
            $"Other relays come in over tls or wss, where both sides show a certificate: write {nameof(FleetOptions.PeerListen)} as tls://host:port.");
        Refuse(!fleet.PeerCertificate.HasPrivateKey, $"{nameof(FleetOptions.PeerCertificate)} has no private key.");
        Refuse(
            fleet.PeerAddress is null && IPAddress.TryParse(fleet.PeerListen.Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)),
            $"Other relays cannot dial {fleet.PeerListen}: say with {nameof(FleetOptions.PeerAddress)} under which address they reach it.");
        Refuse(fleet.Beat <= TimeSpan.Zero || fleet.Lease < 3 * fleet.Beat, $"{nameof(FleetOptions.Lease)} is at least three times {nameof(FleetOptions.Beat)}, so that one that is late is not gone.");
        CheckTime(fleet.HopTimeout, nameof(FleetOptions.HopTimeout));
    }

    private static void CheckLimits(RelayLimits limits)
    {
        var numbers = typeof(RelayLimits).GetProperties().Select(limit => (limit.Name, Value: limit.GetValue(limits)));
        foreach (var (name, value) in numbers)
        {
            Refuse(value is < 0 or < 0L or < 0.0 or double.NaN || (value is TimeSpan time && time < TimeSpan.Zero), $"{name} cannot be {value}: a limit is no less than 0.");
        }
    }

    /// <summary>A timer takes 49 days at most, and none below 0.</summary>
    private static void CheckTime(TimeSpan time, string name) =>
        Refuse(time <= TimeSpan.Zero || time > TimeSpan.FromDays(49), $"{name} is more than 0, and 49 days at most.");

    private static void Refuse(bool condition, string reason)
    {
        if (condition)
        {
            throw new ArgumentException(reason);
        }
    }
}
