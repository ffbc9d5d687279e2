namespace MProxy.Engine.Carriers;

/// <summary>No carrier to a relay. The message says where, what went wrong and what to do, and never holds a token, a header's value or a password.</summary>
public sealed class CarrierException : IOException
{
    /// <summary>Says how far it came, and why no further.</summary>
    public CarrierException(CarrierStage stage, string message, Exception? inner = null)
        : base(message, inner) => Stage = stage;

    /// <summary>How far it came.</summary>
    public CarrierStage Stage { get; }
}
