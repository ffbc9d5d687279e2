using System.Net;
using System.Net.Http;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Carriers;

/// <summary>The proxy of the system is one for the whole process: nothing else may run while a test sets another.</summary>
[Collection("measured")]
public sealed class SystemProxyTests
{
    [Fact]
    public async Task The_proxy_of_the_system_is_taken_unless_told_otherwise()
    {
        await using var proxy = new ConnectProxy("user:pass");
        await using var world = CarrierWorld.Open("ws://127.0.0.1:0");
        var system = HttpClient.DefaultProxy;
        try
        {
            HttpClient.DefaultProxy = new WebProxy(proxy.Uri);
            var (device, _) = await world.ConnectAsync(new DialOptions { NoProxy = true });
            Assert.Equal(world.EndPoint, device.RemoteEndPoint);
            Assert.Empty(proxy.Requests);

            HttpClient.DefaultProxy = new WebProxy(proxy.Uri) { Credentials = new NetworkCredential("user", "pass") };
            (device, _) = await world.ConnectAsync(new DialOptions());
            Assert.Equal(proxy.EndPoint, device.RemoteEndPoint);
        }
        finally
        {
            HttpClient.DefaultProxy = system;
        }
    }
}
