[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'A relay and a tunnel' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $service = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $service.Start()
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name test-relay
        $tunnel = Start-MProxyTunnel -Relay $relay.Listen[0] -Service @{ tcp = "127.0.0.1:$($service.LocalEndpoint.Port)" } -Name test-tunnel
    }

    AfterAll {
        Stop-MProxyTunnel -Name test-*
        Stop-MProxyRelay -Name test-*
        $service.Stop()
    }

    It 'carries a client to the local service and back' {
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $answers = $client.GetStream()
        $local = $service.AcceptTcpClient()
        $client.Client.Send([byte[]] (1, 2, 3)) | Should -Be 3
        $buffer = [byte[]]::new(3)
        $local.GetStream().ReadExactly($buffer, 0, 3)
        $buffer | Should -Be 1, 2, 3
        $client.Client.Shutdown('Send')
        $local.GetStream().Read($buffer, 0, 3) | Should -Be 0
        $local.Client.Send([byte[]] (9)) | Should -Be 1
        $local.Dispose()
        $answers.Read($buffer, 0, 3) | Should -Be 1
        $answers.Read($buffer, 0, 3) | Should -Be 0
        $client.Dispose()
    }

    It 'dials a local service from the address that it is told' {
        $other = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $device = Start-MProxyTunnel -Relay $other.Listen[0] -Service "tcp=127.0.0.1:$($service.LocalEndpoint.Port)" -SourceAddress 127.0.0.2
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $other.TcpPort[0])
        $local = $service.AcceptTcpClient()
        "$($local.Client.RemoteEndPoint.Address)" | Should -Be '127.0.0.2'
        $local.Dispose(); $client.Dispose()
        $device | Stop-MProxyTunnel
        $other | Stop-MProxyRelay
    }

    It 'probes local services, and says which get no new clients' {
        $other = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $services = [ordered] @{ tcp = "127.0.0.1:$($service.LocalEndpoint.Port)"; http = '127.0.0.1:1'; dns = 'udp://127.0.0.1:1' }
        $device = Start-MProxyTunnel -Relay $other.Listen[0] -Service $services -HealthCheck tcp -HealthCheckInterval 0.1 -HealthCheckTimeout 5
        $waited = 0
        while ($device.Services[1].State -ne 'Down' -and $waited -lt 200) { [Threading.Thread]::Sleep(50); $waited++ }
        $device.Services | ForEach-Object { "$_" } | Should -Be 'dns=udp://127.0.0.1:1 Up', 'http=127.0.0.1:1 Down', "tcp=127.0.0.1:$($service.LocalEndpoint.Port) Up"
        $device.Services[1].LastError | Should -BeExactly 'connection refused'
        $device | Set-MProxyTunnel -DrainService tcp
        $device.Services[2].State | Should -Be 'Draining'
        $device | Set-MProxyTunnel -RestoreService tcp
        $device.Services[2].State | Should -Be 'Up'
        $device | Stop-MProxyTunnel
        while ($service.Pending()) { $service.AcceptTcpClient().Dispose() }

        $device = Start-MProxyTunnel -Relay $other.Listen[0] -Service $services -HealthCheck @{ HTTP = 'http:/health?a=b' }
        $device | Stop-MProxyTunnel
        { Start-MProxyTunnel -Relay $other.Listen[0] -Service $services -HealthCheck @{ https = 'tcp' } } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel -Relay $other.Listen[0] -Service $services -HealthCheck @{ dns = 'tcp' } } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel -Relay $other.Listen[0] -Service $services -HealthCheck @{ http = 'https:/' } } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel -Relay $other.Listen[0] -Service $services -HealthCheck 7 } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel -Relay $other.Listen[0] -Service $services -HealthCheckInterval 1 } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
        $other | Stop-MProxyRelay
    }

    It 'is listed by name' {
        (Get-MProxyRelay test-r*).Name | Should -Be 'test-relay'
        (Get-MProxyTunnel -Name test-tunnel).LinkState | Should -Be 'Connected'
        { Get-MProxyRelay no-such -ErrorAction Stop } | Should -Throw -ErrorId 'RelayNotFound,MProxy.Commands.GetMProxyRelayCommand'
        { Stop-MProxyTunnel no-such -ErrorAction Stop } | Should -Throw -ErrorId 'TunnelNotFound,MProxy.Commands.StopMProxyTunnelCommand'
    }

    It 'tells a port in use, a name in use, a relay that is not there, and a listener that others could reach' {
        { Start-MProxyRelay -Listen $relay.Listen[0] } | Should -Throw -ErrorId 'RelayStartFailed,MProxy.Commands.StartMProxyRelayCommand'
        $taken = "127.0.0.1:$($relay.Listen[0].Port)"
        $told = try { Start-MProxyRelay -Listen tcp://127.0.0.1:0, tcp://$taken } catch { "$_" }
        $told | Should -BeLike "$taken cannot be opened: *."
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name test-relay } | Should -Throw -ErrorId 'NameInUse,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyRelay -Listen tcp://0.0.0.0:0 } | Should -Throw -ErrorId 'RelayStartFailed,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyTunnel -Relay tcp://127.0.0.1:1 -Service tcp=127.0.0.1:9 } | Should -Throw -ErrorId 'TunnelStartFailed,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel -Relay http://127.0.0.1:1 -Service tcp=127.0.0.1:9 } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel -Relay $relay.Listen[0] -Service tcp=9000 } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel -Relay $relay.Listen[0] -Service tcp=unix:service.sock } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel -Relay $relay.Listen[0] -Service tcp=127.0.0.1:9 -SourceAddress ::1 } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel -Relay $relay.Listen[0] -Service tcp=unix:/run/service.sock -SourceAddress 127.0.0.1 } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
    }

    It 'starts nothing with -WhatIf' {
        Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name test-whatif -WhatIf | Should -BeNullOrEmpty
        Get-MProxyRelay test-whatif* | Should -BeNullOrEmpty
    }

    It 'ends everything when stopped' {
        $other = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $device = Start-MProxyTunnel -Relay $other.Listen[0] -Service "tcp=127.0.0.1:$($service.LocalEndpoint.Port)"
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $other.TcpPort[0])
        $local = $service.AcceptTcpClient()
        $device | Stop-MProxyTunnel -DrainTimeout 0
        { $local.GetStream().ReadExactly([byte[]]::new(1), 0, 1) } | Should -Throw
        { $client.GetStream().ReadExactly([byte[]]::new(1), 0, 1) } | Should -Throw
        $other | Stop-MProxyRelay
        $device.State, $other.State | Should -Be 'Stopped', 'Stopped'
        { [Net.Sockets.TcpClient]::new('127.0.0.1', $other.TcpPort[0]) } | Should -Throw
        $local.Dispose(); $client.Dispose()
    }
}
