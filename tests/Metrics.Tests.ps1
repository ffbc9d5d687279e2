[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'The metrics' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $http = [Net.Http.HttpClient]::new([Net.Http.SocketsHttpHandler] @{ UseProxy = $false })
    }

    AfterAll {
        Stop-MProxyTunnel -Name measured-*
        Stop-MProxyRelay -Name measured-*
        $http.Dispose()
    }

    It 'of a relay and a tunnel are shown where they are asked to, until they stop' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -MetricsAddress 0 -Name measured-relay
        $tunnel = Start-MProxyTunnel -Relay $relay.Listen[0] -Service tcp=127.0.0.1:9 -MetricsAddress localhost:0 -Name measured-tunnel
        "$($relay.MetricsEndPoint.Address) $($tunnel.MetricsEndPoint.Address)" | Should -Be '127.0.0.1 127.0.0.1'
        $relay.MetricsEndPoint.Port -gt 0 | Should -BeTrue
        $http.GetStringAsync("http://$($relay.MetricsEndPoint)/metrics").GetAwaiter().GetResult().Contains('mproxy_link_active{mproxy_relay_name="measured-relay"} 1') | Should -BeTrue
        $http.GetStringAsync("http://$($tunnel.MetricsEndPoint)/metrics").GetAwaiter().GetResult().Contains('mproxy_link_active{mproxy_tunnel_name="measured-tunnel"} 1') | Should -BeTrue
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -MetricsAddress $relay.MetricsEndPoint } | Should -Throw -ErrorId 'RelayStartFailed,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyTunnel -Relay $relay.Listen[0] -Service tcp=127.0.0.1:9 -MetricsAddress $relay.MetricsEndPoint } | Should -Throw -ErrorId 'TunnelStartFailed,MProxy.Commands.StartMProxyTunnelCommand'
        Stop-MProxyTunnel -Name measured-tunnel
        Stop-MProxyRelay -Name measured-relay
        { [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.MetricsEndPoint.Port) } | Should -Throw
    }

    It 'are shown nowhere unless somebody asks' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name measured-quiet
        $relay.MetricsEndPoint | Should -BeNullOrEmpty
        $relay | Stop-MProxyRelay
    }

    It 'have an address of this machine, written in one of a few ways' {
        foreach ($address in '127.0.0.1:0', '[::1]:0', 'LOCALHOST:0', '0', 0, [Net.IPEndPoint]::new([Net.IPAddress]::Loopback, 0)) {
            $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -MetricsAddress $address
            [Net.IPAddress]::IsLoopback($relay.MetricsEndPoint.Address) | Should -BeTrue
            $relay | Stop-MProxyRelay
        }
        foreach ($address in '0.0.0.0:0', '[::]:0', '192.0.2.1:9464') {
            { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -MetricsAddress $address } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyRelayCommand'
        }
        foreach ($address in '127.0.0.1', '::1', '::1:9464', 'example.com:9464', '65536', '-1', ':9464', '127.0.0.1:') {
            { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -MetricsAddress $address } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,MProxy.Commands.StartMProxyRelayCommand'
        }
        { Start-MProxyTunnel -Relay tcp://127.0.0.1:1 -Service tcp=127.0.0.1:9 -MetricsAddress 192.0.2.1:9464 } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
    }
}
