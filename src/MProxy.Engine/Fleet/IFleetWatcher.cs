namespace MProxy.Engine.Fleet;

/// <summary>Who is told what a directory hears from other relays. Called on any thread: take note and return.</summary>
public interface IFleetWatcher
{
    /// <summary>A watched key has another relay, or one less.</summary>
    void RouteChanged(string key);

    /// <summary>A device that has a link here has shown its token at another relay, too.</summary>
    /// <param name="claim">As which it did.</param>
    void DeviceClaimed(DeviceClaim claim);

    /// <summary>Changes may have been missed: the directory could not be heard for a while.</summary>
    void ChangesMissed();
}
