using System.Collections;
using System.Management.Automation;
using MProxy.Engine.Carriers;

namespace MProxy.Internal;

/// <summary>Reads carrier addresses, so that a wrong one is told at the parameter that has it.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class CarrierUriTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        switch (PSValue.Unwrap(inputData))
        {
            case IEnumerable items and not string:
                return items.Cast<object?>().Select(Read).ToArray();
            case CarrierUri or string or Uri:
                return Read(inputData);
            default:
                // Not an address itself: in a pipeline, one of its properties may be.
                return inputData;
        }
    }

    private static CarrierUri Read(object? value)
    {
        try
        {
            return PSValue.Unwrap(value) as CarrierUri ?? CarrierUri.Parse($"{value}");
        }
        catch (FormatException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }
}
