[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'The samples' {
    BeforeAll {
        $root = [IO.Path]::GetDirectoryName($PSScriptRoot)
        $samples = [IO.Path]::Combine($root, 'docs', 'samples')
        Import-Module ([IO.Path]::Combine($root, 'MProxy.psd1'))
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
}
