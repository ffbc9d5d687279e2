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
        $tunnel | Set-MProxyTunnel -DrainService nothing -ErrorAction SilentlyContinue -ErrorVariable failures
        $failures[0].FullyQualifiedErrorId -match 'InvalidOption' | Should -BeTrue
        $tunnel | Set-MProxyTunnel -RestoreService tcp
        $tunnel | Stop-MProxyTunnel -DrainTimeout 0
        $relay | Stop-MProxyRelay -DrainTimeout 0
    }
}
