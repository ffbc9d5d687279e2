using System.Collections;
using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Puts an identity together again that was typed without quotes, of which PowerShell makes a list of three.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SocketIdTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        if (PSValue.Unwrap(inputData) is not IList items)
        {
            return inputData;
        }

        List<object?> read = [];
        for (var i = 0; i < items.Count; i++)
        {
            if ($"{items[i]}".ToUpperInvariant() is "IPV4" or "IPV6" && i + 2 < items.Count)
            {
                read.Add($"{items[i]},{items[i + 1]},{items[i + 2]}");
                i += 2;
            }
            else
            {
                read.Add(items[i]);
            }
        }

        return read.ToArray();
    }
}
