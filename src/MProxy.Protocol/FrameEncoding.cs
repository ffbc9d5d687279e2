namespace MProxy.Protocol;

/// <summary>Departures from the default way to write a frame, for old peers. Source: protocol.md, section 1, "Packing".</summary>
[Flags]
public enum FrameEncoding
{
    /// <summary>Seven fields (a connection eight, control five); an empty body has SIZE 0.</summary>
    Default = 0,

    /// <summary>An empty body is one space, with SIZE 1, as the reference's <c>pack</c> writes it.</summary>
    LegacyPadding = 1,

    /// <summary>Trailing empty fields are left out, as in the published hex dump.</summary>
    Compact = 2,
}
