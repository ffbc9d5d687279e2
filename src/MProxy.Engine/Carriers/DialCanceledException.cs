namespace MProxy.Engine.Carriers;

/// <summary>A dial was cancelled; whoever set a time limit can say what took so long.</summary>
internal sealed class DialCanceledException(CarrierStage stage, CancellationToken token) : OperationCanceledException(token)
{
    /// <summary>What was not over yet.</summary>
    public CarrierStage Stage => stage;
}
