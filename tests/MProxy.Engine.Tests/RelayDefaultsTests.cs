using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;

namespace MProxy.Engine.Tests;

/// <summary>What a relay does that was told nothing.</summary>
public class RelayDefaultsTests
{
    [Fact]
    public async Task Its_client_ports_are_for_this_machine_alone()
    {
        var token = TestContext.Current.CancellationToken;
        Assert.Equal(IPAddress.Loopback, new RelayOptions { Name = "default" }.PublicAddress);
        await using var relay = RelayServer.Start(new RelayOptions { Name = "default", TcpPort = [0] });

        // Another address of this machine: were the port open there too, who comes would be let in, or reset for want of a device.
        var error = await Assert.ThrowsAsync<SocketException>(() => TcpSocket.ConnectAsync("127.0.0.2", relay.TcpPort[0], token));
        Assert.NotEqual(SocketError.ConnectionReset, error.SocketErrorCode);
    }
}
