using System.Management.Automation;
using MProxy.Engine.Tokens;

namespace MProxy.Internal;

/// <summary>Refuses what is no name that a token may hold, at the parameter that it was given to.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ValidateDomainAttribute : ValidateEnumeratedArgumentsAttribute
{
    protected override void ValidateElement(object element)
    {
        try
        {
            Grant.FoldDomain($"{element}");
        }
        catch (TokenException error)
        {
            throw new ValidationMetadataException(error.Message, error);
        }
    }
}
