namespace MProxy.Internal;

/// <summary>What is warned of in more than one place.</summary>
internal static class Risks
{
    public const string UncheckedService = "The certificates of local services are not checked: whoever is between them and this machine can read along.";
}
