using System.Management.Automation;
using MProxy.Engine.Fleet;

namespace MProxy.Internal;

/// <summary>Reads the address of a fleet's directory, so that a wrong one is told at the parameter that has it.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DirectoryUriTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        try
        {
            return PSValue.Unwrap(inputData) as DirectoryUri ?? DirectoryUri.Parse($"{PSValue.Unwrap(inputData)}");
        }
        catch (FormatException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }
}
