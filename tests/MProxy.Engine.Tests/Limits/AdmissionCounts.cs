using MProxy.Engine.Relay;

namespace MProxy.Engine.Tests.Limits;

/// <summary>Waits for clients to have left.</summary>
internal static class AdmissionCounts
{
    public static Task HasAsync(this ClientAdmission admission, int count) => Until.TrueAsync(() => admission.Count == count);
}
