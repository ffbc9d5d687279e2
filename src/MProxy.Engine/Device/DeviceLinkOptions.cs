using MProxy.Engine.Capture;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>How a device reaches a relay, and keeps in touch.</summary>
public sealed record DeviceLinkOptions
{
    /// <summary>Its name in this session.</summary>
    public string Name { get; init; } = "link";

    /// <summary>The relay to dial; null where <see cref="Stream"/> is given.</summary>
    public CarrierUri? Relay { get; init; }

    /// <summary>A stream that leads to a relay already. It cannot be dialled again: the link ends with it.</summary>
    public Stream? Stream { get; init; }

    /// <summary>The tokens to show after the relay's hello.</summary>
    public IReadOnlyList<string> Tokens { get; init; } = [];

    /// <summary>Certificates, proxy and headers.</summary>
    public DialOptions Dial { get; init; } = new();

    /// <summary>How long dialling, hello and tokens may take together.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest wait before dialling a lost relay again; the first is at most half a second, doubled each time, at random below.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a link has to be up before the waits start from the shortest again.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The bounds and time-outs of the link.</summary>
    public LinkOptions Link { get; init; } = new();

    /// <summary>Where the frames are written to; null writes none.</summary>
    public LinkCapture? Capture { get; init; }

    /// <summary>Where the randomness of waits and ids comes from.</summary>
    public Random Random { get; init; } = Random.Shared;

    /// <summary>What tells a fleet of relays which links are one device's.</summary>
    internal string Session { get; init; } = Guid.NewGuid().ToString("n");

    /// <summary>Gives the link an address of the relay's name that no other link of the device has; null dials the name as the system does.</summary>
    internal RelayAddresses? Addresses { get; init; }

    /// <summary>Dials in place of the carriers, so that tests need no socket.</summary>
    internal Func<CancellationToken, Task<Carrier>>? Dialer { get; init; }

    /// <summary>The relay as text, without a secret in it.</summary>
    public string Target => Relay?.ToString() ?? "stream";
}
