[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSAvoidUsingConvertToSecureStringWithPlainText', '', Justification = 'A password of the test alone.')]
param()

Describe 'A fleet of relays' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        . ([IO.Path]::Combine($PSScriptRoot, 'Sessions.ps1'))
        $key = [Security.Cryptography.ECDsa]::Create([Security.Cryptography.ECCurve+NamedCurves]::nistP256)
        $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new('CN=fleet', $key, 'SHA256')
        $certificate = $request.CreateSelfSigned([DateTimeOffset]::UtcNow.AddDays(-1), [DateTimeOffset]::UtcNow.AddDays(1))
        $fleet = @{ Directory = 'memory://pester'; PeerListen = 'tls://127.0.0.1:0'; PeerCertificate = $certificate }
        $first = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name first -NodeName first -TcpPort 0 @fleet
        $second = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name second -NodeName second -TcpPort 0 @fleet
        $tunnel = Start-MProxyTunnel -Relay $second.Listen[0] -Service @{ tcp = { param($Stream, $Client) $Stream.Write([Text.Encoding]::UTF8.GetBytes("hello $($Client.Address)")) } }
    }

    AfterAll {
        $tunnel | Stop-MProxyTunnel
        $first, $second | Stop-MProxyRelay
    }

    It 'takes a client of one relay to a device of another' {
        $null = Wait-Until { @(Get-MProxyFleet first | Where-Object { $_.Links -eq 1 }).Count -eq 1 }
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $first.TcpPort[0])
        [IO.StreamReader]::new($client.GetStream()).ReadToEnd() | Should -Be 'hello 127.0.0.1'
        $client.Dispose()
    }

    It 'is seen by each of its relays' {
        # Each sees the other by a beat of its own.
        foreach ($name in 'first', 'second') { $null = Wait-Until { @(Get-MProxyFleet $name).Count -eq 2 } }
        @(Get-MProxyFleet first | ForEach-Object { $_.Name }) | Should -Be @('first', 'second')
        @(Get-MProxyFleet second | ForEach-Object { "$($_.State)" }) | Should -Be @('Up', 'Up')
        @(Get-MProxyFleet first, second | Where-Object { $_.IsSelf } | ForEach-Object { $_.Owner }) | Should -Be @('first', 'second')
        "$($first.PeerListen)" | Should -BeLike 'tls://127.0.0.1:*'
    }

    It 'has one relay where there is no directory' {
        $alone = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name alone
        @(Get-MProxyFleet alone).Count | Should -Be 1
        $alone | Stop-MProxyRelay
    }

    It 'refuses what does not go together, and says no password' {
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -NodeName x } | Should -Throw '*-Directory*'
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Directory memory://pester } | Should -Throw '*-NodeName*'
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Directory memory://pester -NodeName x -PeerListen tcp://127.0.0.1:0 -PeerCertificate $certificate } | Should -Throw '*tls*'
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Directory memory://pester -NodeName x -PeerListen tls://127.0.0.1:0 } | Should -Throw '*certificate*'
        foreach ($wrong in 'redis://u:geheim@h:x', 'redis://u:geheim@h/x', 'redis://u:geheim@h?geheim', 'http://geheim', 'redis://gehe/im@h:6379') {
            $message = try { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Directory $wrong } catch { "$_" }
            $message | Should -BeLike '*Directory*'
            $message | Should -Not -BeLike '*geh*'
        }
    }

    It 'drains one while another serves' {
        $both = Start-MProxyTunnel -Relay $first.Listen[0], $second.Listen[0] -Service tcp=127.0.0.1:9
        $third = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name third -NodeName third @fleet
        $null = Wait-Until { @(Get-MProxyFleet first).Count -eq 3 }
        $third | Stop-MProxyRelay -DrainTimeout 5
        $null = Wait-Until { @(Get-MProxyFleet first).Count -eq 2 }
        $both | Stop-MProxyTunnel
    }
}
