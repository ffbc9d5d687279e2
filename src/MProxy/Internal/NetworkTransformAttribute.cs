using System.Collections;
using System.Management.Automation;
using System.Net;
using System.Net.Sockets;

namespace MProxy.Internal;

/// <summary>Reads networks; an address alone is the network of just itself.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NetworkTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        PSValue.Unwrap(inputData) is IEnumerable items and not string ? items.Cast<object?>().Select(Read).ToArray() : new[] { Read(inputData) };

    private static IPNetwork Read(object? value) => PSValue.Unwrap(value) switch
    {
        IPNetwork network => Unmapped(network),
        IPAddress address => Of(address),
        var text when IPAddress.TryParse($"{text}", out var address) => Of(address),
        var text when IPNetwork.TryParse($"{text}", out var network) => Unmapped(network),
        var text => throw new ArgumentTransformationMetadataException(
            $"'{text}' is neither an address such as 192.0.2.1 nor a network such as 10.0.0.0/8."),
    };

    /// <summary>IPv4 in the form of IPv6 is IPv4: clients are compared as that.</summary>
    private static IPNetwork Unmapped(IPNetwork network) => network.BaseAddress.IsIPv4MappedToIPv6 && network.PrefixLength >= 96
        ? new IPNetwork(network.BaseAddress.MapToIPv4(), network.PrefixLength - 96)
        : network;

    private static IPNetwork Of(IPAddress address) => Unmapped(new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128));
}
