namespace MProxy.Engine.Routing;

/// <summary>Why a client goes to no device, and what it is told in its own protocol before its connection ends.</summary>
/// <param name="Reason">One of a few fixed texts, to count by: <c>its request is malformed</c>.</param>
/// <param name="Answer">Empty where its protocol has no word for it: the connection is reset.</param>
internal sealed record ClientRefusal(string Reason, ReadOnlyMemory<byte> Answer)
{
    public static readonly ClientRefusal NoDevice = new("no device serves its port", default) { MeansNoDevice = true };

    public static readonly ClientRefusal NotHealthy = new("its service is not healthy at any device", default) { MeansNoDevice = true };

    public static readonly ClientRefusal NameDrained = new("its name is being drained", default) { MeansNoDevice = true };

    /// <summary>Headers of a link have 255 bytes in all.</summary>
    public static readonly ClientRefusal NameTooLong = new("the name it asks for is too long for a link", default) { MeansNoDevice = true };

    public static readonly ClientRefusal Duplicate = new("another client of its address and port is on the link", default);

    public static readonly ClientRefusal NoProxyHeader = new("the proxy in front sent no valid PROXY header", default);

    public static readonly ClientRefusal TooMany = new("too many clients came at once", default);

    public static readonly ClientRefusal TooManyInAll = new("the relay has as many clients as it may", default);

    public static readonly ClientRefusal TooManyOfAddress = new("its address has as many clients as it may", default);

    public static readonly ClientRefusal TooFast = new("new clients come faster than they may", default);

    public static readonly ClientRefusal TooFastOfAddress = new("new clients of its address come faster than they may", default);

    public static readonly ClientRefusal Denied = new("its address may not come", default);

    public static readonly ClientRefusal DevicesFull = new("its devices have as many clients as they may", default);

    public static readonly ClientRefusal Unreachable = new("the relay of its device cannot be reached", default);

    public static readonly ClientRefusal Closing = new("the relay takes no new clients", default);

    public static readonly ClientRefusal Late = new("it did not say in time what it is for", default);

    public static readonly ClientRefusal Gone = new("it was gone before it said what it is for", default);

    /// <summary>Another device may take it that this relay has no link to.</summary>
    public bool MayGoElsewhere => this == NoDevice || this == NotHealthy || this == DevicesFull;

    /// <summary>Nobody serves such a client now, whatever keeps those away who otherwise would: that is what it is told.</summary>
    public bool MeansNoDevice { get; private init; }
}
