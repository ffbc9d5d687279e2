[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '', Justification = 'A stand-in for the vault, of this test alone.')]
param()

Describe 'The samples' {
    BeforeAll {
        $root = [IO.Path]::GetDirectoryName($PSScriptRoot)
        $samples = [IO.Path]::Combine($root, 'docs', 'samples')
        Import-Module ([IO.Path]::Combine($root, 'MProxy.psd1'))
        . ([IO.Path]::Combine($PSScriptRoot, 'Sessions.ps1'))
        $quiet = @{ WarningAction = 'SilentlyContinue' }

        # Nothing here waits for ever: a sample that fails must not hold up all tests.
        function Receive-Client {
            param([Net.Sockets.TcpListener] $Listener)
            $accepting = $Listener.AcceptTcpClientAsync()
            if (-not $accepting.Wait(20000)) { throw 'No connection came within 20 s.' }
            $accepting.Result.ReceiveTimeout = 20000
            $accepting.Result
        }

        # Sends a text over a new connection, and returns everything that comes back.
        function Send-Text {
            param([int] $Port, [string] $Text)
            $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $Port)
            $client.ReceiveTimeout = 20000
            try {
                $answer = [IO.StreamReader]::new($client.GetStream())
                $null = $client.Client.Send([Text.Encoding]::UTF8.GetBytes($Text))
                $client.Client.Shutdown('Send')
                $answer.ReadToEnd()
            }
            finally { $client.Dispose() }
        }
    }

    It 'answer clients from a script' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $device = [powershell]::Create([initialsessionstate]::CreateDefault2())
        try {
            $null = $device.AddCommand('Import-Module').AddArgument([IO.Path]::Combine($root, 'MProxy.psd1')).AddStatement()
            $null = $device.AddCommand([IO.Path]::Combine($samples, 'script-device.ps1')).AddArgument("$($relay.Listen[0])").AddParameter('ClientCount', 2)
            $running = $device.BeginInvoke()

            # Whoever comes before the script serves is turned away.
            $watch = [Diagnostics.Stopwatch]::StartNew()
            do {
                try { $answer = Send-Text $relay.TcpPort[0] "one`ntwo`n" } catch { $answer = '' }
            } until ($answer -or $watch.Elapsed.TotalSeconds -gt 20)
            $answer | Should -Be "ONE`nTWO`n"
            Send-Text $relay.TcpPort[0] "three`n" | Should -Be "THREE`n"
            $running.AsyncWaitHandle.WaitOne(20000) | Should -BeTrue
            $device.Streams.Error.Count | Should -Be 0
        }
        finally {
            $device.Dispose()
            $relay | Stop-MProxyRelay
        }
    }

    It 'take a capture apart, and replay it' {
        $file = [IO.Path]::Combine([IO.Path]::GetTempPath(), "$([guid]::NewGuid()).bin")
        $service = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $service.Start()
        $address = "127.0.0.1:$($service.LocalEndpoint.Port)"
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        try {
            $tunnel = Start-MProxyTunnel $relay.Listen[0] -Service @{ tcp = $address } -CapturePath $file @quiet
            foreach ($text in 'first', 'second one') {
                $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
                $client.ReceiveTimeout = 20000
                $answer = [IO.StreamReader]::new($client.GetStream())
                $null = $client.Client.Send([Text.Encoding]::UTF8.GetBytes($text))
                $client.Client.Shutdown('Send')
                $local = Receive-Client $service
                [IO.StreamReader]::new($local.GetStream()).ReadToEnd() | Should -Be $text
                $null = $local.Client.Send([Text.Encoding]::UTF8.GetBytes('thanks'))
                $local.Dispose()
                $answer.ReadToEnd() | Should -Be 'thanks'
                $client.Dispose()
            }
            $tunnel | Stop-MProxyTunnel

            $clients = @(& ([IO.Path]::Combine($samples, 'read-capture.ps1')) $file)
            ($clients.BytesIn -join ' ') | Should -Be '5 10'
            ($clients.BytesOut -join ' ') | Should -Be '6 6'
            ($clients.Service -join ' ') | Should -Be 'tcp tcp'

            # A service that answers at once, and reads afterwards.
            $replay = [powershell]::Create([initialsessionstate]::CreateDefault2())
            $null = $replay.AddCommand('Import-Module').AddArgument([IO.Path]::Combine($root, 'MProxy.psd1')).AddStatement()
            $null = $replay.AddCommand([IO.Path]::Combine($samples, 'replay-capture.ps1')).AddArgument($file).AddArgument($address)
            $running = $replay.BeginInvoke()
            foreach ($text in 'first', 'second one') {
                $local = Receive-Client $service
                $null = $local.Client.Send([Text.Encoding]::UTF8.GetBytes('again'))
                [IO.StreamReader]::new($local.GetStream()).ReadToEnd() | Should -Be $text
                $local.Dispose()
            }
            $running.AsyncWaitHandle.WaitOne(20000) | Should -BeTrue
            $results = $replay.EndInvoke($running)
            ($results | ForEach-Object { [Text.Encoding]::UTF8.GetString($_.Received) }) -join ' ' | Should -Be 'again again'
            ($results.SocketId -join ' ') | Should -Be ($clients.SocketId -join ' ')
        }
        finally {
            if ($replay) { $replay.Dispose() }
            Get-MProxyTunnel | Stop-MProxyTunnel -DrainTimeout 0
            $relay | Stop-MProxyRelay
            $service.Stop()
            [IO.File]::Delete($file)
            [IO.File]::Delete("$file.times")
        }
    }

    It 'deploy through a tunnel, and close it also where that fails' {
        $deploy = [IO.Path]::Combine($samples, 'deploy-through-tunnel.ps1')
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        try {
            & $deploy $relay.Listen[0] @{ tcp = '127.0.0.1:9' } { "$(@(Get-MProxyTunnel).Count) open" } | Should -Be '1 open'
            @(Get-MProxyTunnel).Count | Should -Be 0
            { & $deploy $relay.Listen[0] @{ tcp = '127.0.0.1:9' } { throw 'no deploy' } } | Should -Throw 'no deploy'
            @(Get-MProxyTunnel).Count | Should -Be 0
        }
        finally { $relay | Stop-MProxyRelay }
        { & $deploy tcp://127.0.0.1:1 @{ tcp = '127.0.0.1:9' } { 'never' } -TimeoutSeconds 0 } | Should -Throw '*not good*'
    }

    It 'show a web site under its name, and turn visitors away while it is down' {
        $site = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $site.Start()
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -HttpPort 0
        $share = Open-Session ([IO.Path]::Combine($samples, 'share-web.ps1'))
        try {
            $null = $share.AddArgument("$($relay.Listen[0])").AddArgument('demo.test').AddArgument("127.0.0.1:$($site.LocalEndpoint.Port)")
            $null = $share.BeginInvoke()
            $watch = [Diagnostics.Stopwatch]::StartNew()
            while (-not $relay.LinkCount -and $watch.Elapsed.TotalSeconds -lt 20) { [Threading.Thread]::Sleep(10) }
            $visitor = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.HttpPort[0])
            $null = $visitor.Client.Send([Text.Encoding]::ASCII.GetBytes("GET / HTTP/1.1`r`nHost: demo.test`r`n`r`n"))

            # The probe of the site comes by too, and says nothing.
            do {
                $local = Receive-Client $site
                $line = [IO.StreamReader]::new($local.GetStream()).ReadLine()
            } until ($line)
            $line | Should -Be 'GET / HTTP/1.1'
            $local.Dispose()
            $visitor.Dispose()
            { Send-Text $relay.HttpPort[0] "GET / HTTP/1.1`r`nHost: other.test`r`n`r`n" } | Should -Throw
            $share.Stop()
        }
        finally {
            Close-Session $share
            $relay | Stop-MProxyRelay
            $site.Stop()
        }
        Get-MProxyTunnel | Should -BeNullOrEmpty
    }

    It 'bring ssh out from behind NAT, and end with an error where the token is refused' {
        $sshd = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $sshd.Start()
        $secret = [Net.NetworkCredential]::new('', 'a secret of thirty-two bytes or more').SecurePassword
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Secret $secret -TokenTimeout 0.2
        $token = New-MProxyToken -Port $relay.TcpPort[0] -Id ssh -Secret $secret
        $device = Open-Session ([IO.Path]::Combine($samples, 'ssh-behind-nat.ps1'))
        try {
            $null = $device.AddArgument("$($relay.Listen[0])").AddArgument($relay.TcpPort[0])
            $null = $device.AddArgument("127.0.0.1:$($sshd.LocalEndpoint.Port)").AddParameter('Token', $token)
            $running = $device.BeginInvoke()
            $watch = [Diagnostics.Stopwatch]::StartNew()
            while (-not (Get-MProxyTunnel) -and $watch.Elapsed.TotalSeconds -lt 20) { [Threading.Thread]::Sleep(10) }
            $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
            $local = Receive-Client $sshd
            $null = $local.Client.Send([Text.Encoding]::ASCII.GetBytes("SSH-2.0-test`r`n"))
            [IO.StreamReader]::new($client.GetStream()).ReadLine() | Should -Be 'SSH-2.0-test'
            $client.Dispose()
            $local.Dispose()
            $relay | Set-MProxyRelay -RevokedTokenId ssh
            $running.AsyncWaitHandle.WaitOne(20000) | Should -BeTrue
            { $device.EndInvoke($running) } | Should -Throw '*No valid token came within 0.2 s.*'
        }
        finally {
            Close-Session $device
            $relay | Stop-MProxyRelay
            $sshd.Stop()
        }
        Get-MProxyTunnel | Should -BeNullOrEmpty
    }

    It 'take tokens from a vault, and renew them without losing the tunnel' {
        # A vault of this test: SecretManagement has the same two commands.
        $vault = @{ signer = [Net.NetworkCredential]::new('', 'a secret of thirty-two bytes or more').SecurePassword }
        function Get-Secret { param($Name) $vault[$Name] }
        function Set-Secret { param($Name, [securestring] $SecureStringSecret) $vault[$Name] = $SecureStringSecret }
        $sample = [IO.Path]::Combine($samples, 'token-from-vault.ps1')
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Secret $vault.signer
        try {
            & $sample printer -Issue $relay.TcpPort[0] -Signer signer
            $first = $vault.printer
            $tunnel = & $sample printer -Relay $relay.Listen[0] -Service 127.0.0.1:9
            $tunnel.LinkState, $tunnel.Name | Should -Be 'Connected', 'printer'
            & $sample printer -Issue $relay.TcpPort[0] -Signer signer
            [object]::ReferenceEquals($first, $vault.printer) | Should -BeFalse
            (& $sample printer -Relay $relay.Listen[0] -Service 127.0.0.1:9).Id | Should -Be $tunnel.Id
            $tunnel.LinkState | Should -Be 'Connected'
        }
        finally {
            Get-MProxyTunnel | Stop-MProxyTunnel -DrainTimeout 0
            $relay | Stop-MProxyRelay
        }
    }
}
