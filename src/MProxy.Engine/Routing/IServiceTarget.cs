namespace MProxy.Engine.Routing;

/// <summary>What stands behind the key of a service: which clients it is for at all.</summary>
internal interface IServiceTarget
{
    /// <summary>It takes datagrams.</summary>
    bool TakesDatagrams { get; }

    /// <summary>It takes streams.</summary>
    bool TakesStreams { get; }
}
