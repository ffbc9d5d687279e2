[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'A script block as a local service' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        . ([IO.Path]::Combine($PSScriptRoot, 'Sessions.ps1'))
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name script-relay

        # What a service answers to a text.
        function Send-Text {
            param([string] $Text)
            $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
            try {
                $answers = [IO.StreamReader]::new($client.GetStream())
                $null = $client.Client.Send([Text.Encoding]::UTF8.GetBytes($Text))
                $client.Client.Shutdown('Send')
                $answers.ReadToEnd()
            }
            finally {
                $client.Dispose()
            }
        }
    }

    AfterEach { Get-MProxyTunnel | Stop-MProxyTunnel -DrainTimeout 0 }

    AfterAll { Stop-MProxyRelay script-relay }

    It 'gets each client as a stream, and knows who it is' {
        $greeting = 'hello'
        $words = [pscustomobject] @{ Last = 'goodbye'; All = 'a', 'b' }
        $tunnel = Start-MProxyTunnel $relay.Listen[0] -Service @{
            tcp = {
                param($Stream, $Client)
                $reader = [IO.StreamReader]::new($Stream)
                $writer = [IO.StreamWriter]::new($Stream)
                $writer.Write("$using:greeting $($Client.Service) $($Client.SocketId) $($reader.ReadToEnd()) $($using:words.All[1]) $($using:words.Last)")
                $writer.Flush()
                'this goes nowhere'
            }
        }
        $tunnel.Service | Should -Be 'tcp={ script }'
        $tunnel.Services[0].State | Should -Be 'Up'
        Send-Text 'one' | Should -BeLike 'hello tcp IPv4,127.0.0.1,* one b goodbye'
        Send-Text 'two' | Should -BeLike 'hello tcp IPv4,127.0.0.1,* two b goodbye'
        $null = Wait-Until { $tunnel.ClientCount -eq 0 }
        @(Receive-Job $tunnel | Where-Object Kind -EQ 'ServiceFailed').Count | Should -Be 0
    }

    It 'costs only its client a failure, which is told with its message' {
        $tunnel = Start-MProxyTunnel $relay.Listen[0] -Service @{
            tcp = {
                param($Stream)
                $text = [IO.StreamReader]::new($Stream).ReadToEnd()
                if ($text -eq 'bad') { Get-Command no-such-variable }
                $Stream.Write([Text.Encoding]::UTF8.GetBytes("$text $ErrorActionPreference"))
            }
        }
        foreach ($time in 1, 2) { { Send-Text 'bad' } | Should -Throw }
        Send-Text 'good' | Should -Be 'good Stop'
        $null = Wait-Until { $tunnel.ClientCount -eq 0 }
        $failed = @(Receive-Job $tunnel | Where-Object Kind -EQ 'ServiceFailed')
        $failed.Count | Should -Be 1
        $failed[0].Message | Should -BeLike "The local service tcp={ script } has failed: The term 'no-such-variable' is not recognized *(line *). This is said once, until a client is served again."
        $tunnel.LinkState | Should -Be 'Connected'
    }

    It 'serves as many clients at once as it may, and the next after them' {
        $gate = [Threading.SemaphoreSlim]::new(0)
        $began = [Threading.CountdownEvent]::new(2)
        $running = [Collections.Concurrent.ConcurrentQueue[int]]::new()
        $null = Start-MProxyTunnel $relay.Listen[0] -ThrottleLimit 2 -Service @{
            tcp = {
                param($Stream)
                ($using:running).Enqueue(1)
                $null = ($using:began).CurrentCount -and ($using:began).Signal()
                ($using:gate).Wait()
                $Stream.WriteByte(33)
            }
        }
        $clients = foreach ($number in 1..3) { [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0]) }
        $began.Wait(20000) | Should -BeTrue
        $running.Count | Should -Be 2
        $null = $gate.Release(3)
        foreach ($client in $clients) {
            $client.GetStream().ReadByte() | Should -Be 33
            $client.GetStream().ReadByte() | Should -Be -1
            $client.Dispose()
        }
        $running.Count | Should -Be 3
    }

    It 'is stopped when its client is gone, or its tunnel' {
        $ends = [Collections.Concurrent.ConcurrentQueue[string]]::new()
        $runspaces = [Collections.Concurrent.ConcurrentQueue[runspace]]::new()
        $began = [Threading.SemaphoreSlim]::new(0)
        $tunnel = Start-MProxyTunnel $relay.Listen[0] -Service @{
            tcp = {
                param($Stream, $Client)
                ($using:runspaces).Enqueue([runspace]::DefaultRunspace)
                $null = ($using:began).Release()
                try { while ($true) { [Threading.Thread]::Sleep(10) } }
                finally { ($using:ends).Enqueue($Client.SocketId) }
            }
        }
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $began.Wait(20000) | Should -BeTrue
        $client.Client.Close(0)
        $null = Wait-Until { $ends.Count -eq 1 }

        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $began.Wait(20000) | Should -BeTrue
        $tunnel | Stop-MProxyTunnel -DrainTimeout 0
        $null = Wait-Until { $ends.Count -eq 2 }
        $client.Dispose()

        # Its runspaces are closed with it.
        $null = Wait-Until { $runspaces.Count -eq 2 -and @($runspaces | Where-Object { $_.RunspaceStateInfo.State -ne 'Closed' }).Count -eq 0 }
    }

    It 'gives its place to another, and serves the clients that it has to the end' {
        $tunnel = Start-MProxyTunnel $relay.Listen[0] -Service @{ tcp = { param($Stream) $Stream.WriteByte(49); $null = $Stream.ReadByte(); $Stream.WriteByte(50) } }
        $first = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $first.GetStream().ReadByte() | Should -Be 49
        $tunnel | Set-MProxyTunnel -Service @{ tcp = { param($Stream) $Stream.WriteByte(51) } }
        Send-Text 'x' | Should -Be '3'
        $first.GetStream().WriteByte(1)
        $first.GetStream().ReadByte() | Should -Be 50
        $first.GetStream().ReadByte() | Should -Be -1
        $first.Dispose()
    }

    It 'is refused where it names no clients, uses what is not there, or would be probed' {
        { Start-MProxyTunnel $relay.Listen[0] -Service { 1 } } | Should -Throw '*Say which clients the script is for*'
        { Start-MProxyTunnel $relay.Listen[0] -Service @{ tcp = { $using:nowhere } } } | Should -Throw '*Service tcp: the script uses $using:nowhere, and there is no such variable here.*'
        { Start-MProxyTunnel $relay.Listen[0] -Service @{ tcp = { 1 } } -HealthCheck @{ tcp = 'tcp' } } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'

        # A check for all of them leaves it out.
        (Start-MProxyTunnel $relay.Listen[0] -Service @{ tcp = { 1 } } -HealthCheck tcp).Services[0].State | Should -Be 'Up'
    }

    It 'may do no more than whoever wrote it' {
        $session = Open-Session 'param($Relay) Start-MProxyTunnel $Relay -Service @{ tcp = { param($Stream) $Stream.WriteByte(33) } }' "$($relay.Listen[0])"
        $session.Runspace.SessionStateProxy.LanguageMode = 'ConstrainedLanguage'
        $tunnel = $session.Invoke()[0]
        { Send-Text '' } | Should -Throw
        @(Wait-Until { Receive-Job $tunnel | Where-Object Kind -EQ 'ServiceFailed' })[0].Message | Should -BeLike '*language mode*'
        Close-Session $session
    }

    It 'is one of its own for each tunnel that gets it' {
        $other = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $first = Start-MProxyTunnel $other.Listen[0] -Service tcp=127.0.0.1:9 -Name script-first
        $second = Start-MProxyTunnel $relay.Listen[0] -Service tcp=127.0.0.1:9 -Name script-second
        Set-MProxyTunnel script-* -Service @{ tcp = { param($Stream) $Stream.WriteByte(33) } }
        Send-Text 'x' | Should -Be '!'
        $first | Stop-MProxyTunnel
        Send-Text 'x' | Should -Be '!'
        $second | Stop-MProxyTunnel
        $other | Stop-MProxyRelay
    }

    It 'is left to itself where it cannot be stopped' {
        $began = [Threading.SemaphoreSlim]::new(0)
        $gate = [Threading.ManualResetEventSlim]::new()
        $tunnel = Start-MProxyTunnel $relay.Listen[0] -Service @{ tcp = { param($Stream) $null = ($using:began).Release(); ($using:gate).Wait() } }
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $began.Wait(20000) | Should -BeTrue
        $watch = [Diagnostics.Stopwatch]::StartNew()
        Stop-Job $tunnel
        "$($watch.Elapsed.TotalSeconds -lt 10)" | Should -Be 'True'
        $tunnel.State | Should -Be 'Stopped'
        $gate.Set()
        $client.Dispose()
        Remove-Job $tunnel
    }

    It 'may close its stream, and finds it closed; what it takes along may be its own' {
        $null = Start-MProxyTunnel $relay.Listen[0] -Service @{
            tcp = {
                param($Stream)
                $mine = 'a'
                $inner = { "$using:outer" }
                $writer = [IO.StreamWriter]::new($Stream)
                $writer.Write("$mine$([Environment]::NewLine.Length)$($null -ne $inner)")
                $writer.Dispose()
                try { $Stream.WriteByte(1) } catch { return }
                throw 'It took a byte more.'
            }
        }
        Send-Text 'x' | Should -BeLike 'a*True'
    }

    It 'tells of errors in plain text' {
        $tunnel = Start-MProxyTunnel $relay.Listen[0] -Service @{ tcp = { param($Stream) throw "bad: $([IO.StreamReader]::new($Stream).ReadToEnd())" } }
        { Send-Text "$([char] 27)[31m`r`nforged" } | Should -Throw
        @(Wait-Until { Receive-Job $tunnel | Where-Object Kind -EQ 'ServiceFailed' })[0].Message | Should -BeLike 'The local service tcp={ script } has failed: bad:  ?31m  forged (line 1 of the script). *'
    }

    It 'turns a client away that waits too long for its turn' {
        $began = [Threading.SemaphoreSlim]::new(0)
        $tunnel = Start-MProxyTunnel $relay.Listen[0] -ThrottleLimit 1 -DialTimeout 1 -Service @{ tcp = { param($Stream) $null = ($using:began).Release(); $null = $Stream.ReadByte() } }
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $began.Wait(20000) | Should -BeTrue
        { Send-Text '' } | Should -Throw
        $client.Dispose()
        @(Wait-Until { Receive-Job $tunnel | Where-Object Kind -EQ 'ServiceFailed' })[0].Message | Should -BeLike '*has failed: all of its 1 places were taken for 1 s.*'
    }
}
