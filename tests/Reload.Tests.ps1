[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'Changing what runs' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $folder = [IO.Directory]::CreateTempSubdirectory('mproxy-reload').FullName
    }

    AfterAll {
        Get-MProxyTunnel | Stop-MProxyTunnel -DrainTimeout 0
        Get-MProxyRelay | Stop-MProxyRelay -DrainTimeout 0
        [IO.Directory]::Delete($folder, $true)
    }

    It 'changes the limits that are named, and no other' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Limit @{ MaxClients = 7; ClientIdleTimeout = 90 }
        $relay.Limits.MaxClients | Should -Be 7
        $relay.Limits.ClientIdleTimeout.TotalSeconds | Should -Be 90
        Set-MProxyRelay $relay.Name -Limit @{ maxclients = 9; DeniedClients = '192.0.2.0/24', '198.51.100.1' }
        $relay.Limits.MaxClients | Should -Be 9
        $relay.Limits.ClientIdleTimeout.TotalSeconds | Should -Be 90
        "$($relay.Limits.DeniedClients)" | Should -Be '192.0.2.0/24 198.51.100.1/32'
        ($relay | Set-MProxyRelay -Limit @{ MaxClients = 1 } -PassThru).Limits.MaxClients | Should -Be 1
        $relay | Set-MProxyRelay -Limit @{ MaxClients = 2 } -WhatIf
        $relay.Limits.MaxClients | Should -Be 1
        $relay | Stop-MProxyRelay -DrainTimeout 0
    }

    It 'refuses a limit that is none' {
        foreach ($wrong in @{ MaxClient = 1 }, @{ MaxClients = -1 }, @{ MaxClients = 'many' }, @{ DeniedClients = 'nowhere' }) {
            $failure = try { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Limit $wrong } catch { $_ }
            "$($failure.Exception.Message)" -match 'MaxClients|nowhere' | Should -BeTrue
        }
    }

    It 'reads a configuration file again, and leaves what is for the start alone' {
        $path = [IO.Path]::Combine($folder, 'relay.psd1')
        [IO.File]::WriteAllText($path, "@{ Listen = 'tcp://127.0.0.1:0'; TcpPort = 0; Limit = @{ MaxClients = 3 } }")
        $relay = Start-MProxyRelay -ConfigurationPath $path
        $relay.Limits.MaxClients | Should -Be 3
        [IO.File]::WriteAllText($path, "@{ Listen = 'tcp://127.0.0.1:1'; TcpPort = 0; Limit = @{ MaxClients = 4 } }")
        $relay | Set-MProxyRelay -ConfigurationPath $path
        $relay.Limits.MaxClients | Should -Be 4
        [IO.File]::WriteAllText($path, "@{ Lisen = 'tcp://127.0.0.1:1' }")
        $failure = try { $relay | Set-MProxyRelay -ConfigurationPath $path } catch { $_ }
        "$failure" -match 'Listen' | Should -BeTrue
        $relay.Limits.MaxClients | Should -Be 4
        $relay | Stop-MProxyRelay -DrainTimeout 0
    }

    It 'cannot ask for tokens on a relay that does not' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0
        $secret = [securestring]::new()
        foreach ($letter in ('s' * 40).ToCharArray()) { $secret.AppendChar($letter) }
        $relay | Set-MProxyRelay -Secret $secret -ErrorAction SilentlyContinue -ErrorVariable failures
        $failures[0].FullyQualifiedErrorId -match 'RelayChangeFailed' | Should -BeTrue
        $relay | Stop-MProxyRelay -DrainTimeout 0
    }

    It 'changes the services of a tunnel, and takes one out' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0
        $tunnel = Start-MProxyTunnel $relay.Listen -Service @{ tcp = '127.0.0.1:9000' }
        $tunnel | Set-MProxyTunnel -Service @{ tcp = '127.0.0.1:9001'; udp = 'udp://127.0.0.1:9' }
        "$($tunnel.Service)" | Should -Be 'tcp=127.0.0.1:9001 udp=udp://127.0.0.1:9'
        $tunnel | Set-MProxyTunnel -DrainService tcp
        $tunnel | Set-MProxyTunnel -Service @{ tcp = '127.0.0.1:9002' } -DrainService nothing -ErrorAction SilentlyContinue -ErrorVariable failures
        $failures[0].FullyQualifiedErrorId -match 'InvalidOption' | Should -BeTrue
        "$($tunnel.Service)" | Should -Be 'tcp=127.0.0.1:9001 udp=udp://127.0.0.1:9'
        $tunnel | Set-MProxyTunnel -RestoreService tcp
        $tunnel | Stop-MProxyTunnel -DrainTimeout 0
        $relay | Stop-MProxyRelay -DrainTimeout 0
    }

    It 'changes how services are probed, together with them or alone' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0
        $tunnel = Start-MProxyTunnel $relay.Listen -Service @{ tcp = '127.0.0.1:1'; http = '127.0.0.1:1' } -HealthCheck @{ tcp = 'tcp' } -HealthCheckInterval 0.1
        $waited = 0
        while ($tunnel.Services[1].State -ne 'Down' -and $waited -lt 200) { [Threading.Thread]::Sleep(50); $waited++ }
        "$($tunnel.Services)" | Should -Be 'http=127.0.0.1:1 Up tcp=127.0.0.1:1 Down'
        $tunnel | Set-MProxyTunnel -HealthCheck tcp
        $waited = 0
        while ($tunnel.Services[0].State -ne 'Down' -and $waited -lt 200) { [Threading.Thread]::Sleep(50); $waited++ }
        "$($tunnel.Services)" | Should -Be 'http=127.0.0.1:1 Down tcp=127.0.0.1:1 Down'
        $tunnel | Set-MProxyTunnel -HealthCheck @{ http = 'tcp' } -HealthCheckInterval 5 -HealthCheckTimeout 2
        "$($tunnel.Services)" | Should -Be 'http=127.0.0.1:1 Down tcp=127.0.0.1:1 Up'

        # A check goes with its service; a key that is none is a mistake.
        $tunnel | Set-MProxyTunnel -Service @{ tcp = '127.0.0.1:1' }
        "$($tunnel.Services)" | Should -Be 'tcp=127.0.0.1:1 Up'
        $tunnel | Set-MProxyTunnel -HealthCheck @{ http = 'tcp' } -ErrorAction SilentlyContinue -ErrorVariable failures
        "$failures" | Should -Be "There is a health check for 'http', and no such service."
        $tunnel | Set-MProxyTunnel -HealthCheckInterval 1 -ErrorAction SilentlyContinue -ErrorVariable failures
        "$failures" -match 'give -HealthCheck too' | Should -BeTrue
        $tunnel | Set-MProxyTunnel -HealthCheck @{}
        $tunnel | Stop-MProxyTunnel -DrainTimeout 0
        $relay | Stop-MProxyRelay -DrainTimeout 0
    }

    It 'changes whatever may change on a relay, and names what cannot be' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -HttpPort 0 -MixedPort 0
        $relay | Set-MProxyRelay -HandshakeTimeout 3 -FirstByteTimeout 0.2 -RedirectToHttps -Balance ClientAddress -ExactNamesOnly -TokenTimeout 5
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.HttpPort[0])
        $writer = [IO.StreamWriter]::new($client.GetStream())
        $writer.Write("GET / HTTP/1.1`r`nHost: app.example.com`r`n`r`n"); $writer.Flush()
        [IO.StreamReader]::new($client.GetStream()).ReadLine() | Should -Be 'HTTP/1.1 308 Permanent Redirect'
        $client.Dispose()
        $relay | Set-MProxyRelay -RequireClientCertificate -ErrorAction SilentlyContinue -ErrorVariable failures
        "$failures" -match 'Only tls and wss' | Should -BeTrue
        $relay | Stop-MProxyRelay -DrainTimeout 0
        $plain = Start-MProxyRelay -Listen tcp://127.0.0.1:0
        $plain | Set-MProxyRelay -RedirectToHttps -ErrorAction SilentlyContinue -ErrorVariable failures
        $failures[0].FullyQualifiedErrorId | Should -BeExactly 'InvalidOption,MProxy.Commands.SetMProxyRelayCommand'
        $plain | Stop-MProxyRelay -DrainTimeout 0
    }

    It 'changes how a tunnel meets its services' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0); $listener.Start()
        $tunnel = Start-MProxyTunnel $relay.Listen -Service @{ tcp = "$($listener.LocalEndpoint)" }
        $tunnel | Set-MProxyTunnel -ProxyProtocol V1 -DialTimeout 5 -DatagramIdleTimeout 20
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $local = $listener.AcceptTcpClient()
        [IO.StreamReader]::new($local.GetStream()).ReadLine() -match '^PROXY TCP4 127\.0\.0\.1 ' | Should -BeTrue
        $local.Dispose(); $client.Dispose(); $listener.Stop()
        $tunnel | Set-MProxyTunnel -SkipServiceCertificateCheck -WarningAction SilentlyContinue -WarningVariable warnings
        "$warnings" -match 'read along' | Should -BeTrue
        { $tunnel | Set-MProxyTunnel -ServiceCertificateKeyPath key.pem } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.SetMProxyTunnelCommand'
        $tunnel | Stop-MProxyTunnel -DrainTimeout 0
        $relay | Stop-MProxyRelay -DrainTimeout 0
    }

    It 'goes back to what a start has where a key is gone from the file' {
        $path = [IO.Path]::Combine($folder, 'back.psd1')
        [IO.File]::WriteAllText($path, "@{ Listen = 'tcp://127.0.0.1:0'; HttpPort = 0; RedirectToHttps = `$true; RevokedTokenId = 'a', 'b'; Limit = @{ MaxClients = 3; DatagramsPerSecond = 5 } }")
        $relay = Start-MProxyRelay -ConfigurationPath $path
        "$($relay.RevokedTokenId)" | Should -Be 'a b'
        [IO.File]::WriteAllText($path, "@{ Listen = 'tcp://127.0.0.1:0'; HttpPort = 0; RevokedTokenId = @(); Limit = @{ DatagramsPerSecond = 6 } }")
        $relay | Set-MProxyRelay -ConfigurationPath $path
        $relay.RevokedTokenId.Count | Should -Be 0
        $relay.Limits.MaxClients | Should -Be 10000
        $relay.Limits.DatagramsPerSecond | Should -Be 6
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.HttpPort[0])
        $writer = [IO.StreamWriter]::new($client.GetStream())
        $writer.Write("GET / HTTP/1.1`r`nHost: app.example.com`r`n`r`n"); $writer.Flush()
        [IO.StreamReader]::new($client.GetStream()).ReadLine() | Should -Be 'HTTP/1.1 502 Bad Gateway'
        $client.Dispose()

        $path = [IO.Path]::Combine($folder, 'back-tunnel.json')
        [IO.File]::WriteAllText($path, "{ ""Relay"": ""$($relay.Listen[0])"", ""Service"": { ""tcp"": ""127.0.0.1:1"" }, ""HealthCheck"": ""tcp"", ""HealthCheckInterval"": 0.1 }")
        $tunnel = Start-MProxyTunnel -ConfigurationPath $path
        $waited = 0
        while ($tunnel.Services[0].State -ne 'Down' -and $waited -lt 200) { [Threading.Thread]::Sleep(50); $waited++ }
        [IO.File]::WriteAllText($path, "{ ""Relay"": ""$($relay.Listen[0])"", ""Service"": { ""tcp"": ""127.0.0.1:1"" } }")
        $tunnel | Set-MProxyTunnel -ConfigurationPath $path
        "$($tunnel.Services)" | Should -Be 'tcp=127.0.0.1:1 Up'
        $tunnel | Stop-MProxyTunnel -DrainTimeout 0
        $relay | Stop-MProxyRelay -DrainTimeout 0
    }
}
