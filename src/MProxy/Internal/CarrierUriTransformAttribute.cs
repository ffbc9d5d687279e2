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
        var input = PSValue.Unwrap(inputData);
        return input is IEnumerable items and not string ? items.Cast<object?>().Select(Read).ToArray() : Read(input);
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
