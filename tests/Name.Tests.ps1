# Clients that find their device by name, and services that learn who their client is.
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'A relay that routes by name' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $secret = [Net.NetworkCredential]::new('', 'of tests alone, and 32 bytes long').SecurePassword
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -HttpPort 0 -TlsPort 0 -MixedPort 0 -TrustedProxy 127.0.0.9 -Secret $secret -Name name-relay
        $services = @{}
        foreach ($name in 'one', 'two') {
            $service = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
            $service.Start()
            $services[$name] = $service
            $options = @{
                Relay   = $relay.Listen[0]
                Service = @{ http = "127.0.0.1:$($service.LocalEndpoint.Port)" }
                Token   = New-MProxyToken -Domain "$name.example" -Secret $secret
                Name    = "name-$name"
            }
            Start-MProxyTunnel @options -ProxyProtocol V1 | Out-Null
        }

        # Sends the head of a request, and gives the connection.
        function Send-Request([int] $Port, [string] $HostName, [string] $Before = '', [string] $From = '127.0.0.1') {
            $client = [Net.Sockets.TcpClient]::new([Net.IPEndPoint]::new([Net.IPAddress]::Parse($From), 0))
            $client.Connect('127.0.0.1', $Port)
            $client.Client.Send([Text.Encoding]::ASCII.GetBytes("${Before}GET / HTTP/1.1`r`nHost: $HostName`r`n`r`n")) | Out-Null
            $client
        }

        # Reads lines up to an empty one.
        function Read-Head([Net.Sockets.TcpClient] $Client) {
            $reader = [IO.StreamReader]::new($Client.GetStream(), [Text.Encoding]::ASCII)
            while ($line = $reader.ReadLine()) { $line }
        }
    }

    AfterAll {
        Stop-MProxyTunnel -Name name-* -DrainTimeout 0
        Stop-MProxyRelay -Name name-* -DrainTimeout 0
        $services.Values | ForEach-Object { $_.Stop() }
    }

    It 'brings a client to the device of its host, on a port for HTTP and on one for everything' {
        foreach ($port in $relay.HttpPort[0], $relay.MixedPort[0]) {
            foreach ($name in 'two', 'one') {
                $client = Send-Request $port "$name.example"
                $local = $services[$name].AcceptTcpClient()
                $head = Read-Head $local
                $head[0] | Should -BeLike "PROXY TCP4 127.0.0.1 127.0.0.1 $($client.Client.LocalEndPoint.Port) $port"
                $head[2] | Should -Be "Host: $name.example"
                $local.Dispose(); $client.Dispose()
            }
        }
    }

    It 'answers a client for whom no device is there' {
        $client = Send-Request $relay.HttpPort[0] 'three.example'
        (Read-Head $client)[0] | Should -Be 'HTTP/1.1 502 Bad Gateway'
        $client.Dispose()
    }

    It 'believes a PROXY header from a trusted address' {
        $client = Send-Request $relay.HttpPort[0] 'one.example' -Before "PROXY TCP4 192.0.2.7 198.51.100.1 4242 80`r`n" -From 127.0.0.9
        $local = $services['one'].AcceptTcpClient()
        (Read-Head $local)[0] | Should -BeLike 'PROXY TCP4 192.0.2.7 127.0.0.1 4242 *'
        $local.Dispose(); $client.Dispose()
    }

    It 'reports its ports, and counts whom it refused' {
        $relay.HttpPort.Count, $relay.TlsPort.Count, $relay.MixedPort.Count, $relay.TcpPort.Count | Should -Be 1, 1, 1, 0
        $relay.OpenPort.Count | Should -Be 3
        $relay.RefusedCount | Should -Be 1
        $relay.RefusedBy['no device serves its host'] | Should -Be 1
    }

    It 'tells what is no network, no balance and no certificate' {
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TrustedProxy 10.0.0.0/99 } | Should -Throw '*10.0.0.0/99*' -ErrorId 'ParameterArgumentTransformationError,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Balance Random } | Should -Throw '*RoundRobin*' -ErrorId 'CannotConvertArgumentNoMessage,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyTunnel -Relay $relay.Listen[0] -Service http=127.0.0.1:9 -ServiceCertificateKeyPath x.pem } | Should -Throw '*-ServiceCertificatePath*' -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
    }
}
