[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'Relays and tunnels as jobs' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        . ([IO.Path]::Combine($PSScriptRoot, 'Sessions.ps1'))
        $service = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $service.Start()
        $target = "tcp=127.0.0.1:$($service.LocalEndpoint.Port)"

        # What a job has told of, until a kind has come as often as it should.
        function Wait-Kind {
            param($Job, [string] $Kind, [int] $Count = 1)
            $watch = [Diagnostics.Stopwatch]::StartNew()
            $all = [Collections.Generic.List[object]]::new()
            while (@($all | Where-Object Kind -EQ $Kind).Count -lt $Count) {
                if ($watch.Elapsed.TotalSeconds -gt 20) { throw "$Kind did not come $Count times: $all" }
                Receive-Job $Job | ForEach-Object { $all.Add($_) }
                [Threading.Thread]::Sleep(10)
            }
            , $all
        }
    }

    AfterAll {
        Get-Job | Where-Object PSJobTypeName -Like 'MProxy*' | Remove-Job -Force
        $service.Stop()
    }

    It 'are listed, received from, stopped and removed as jobs are' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name job-relay
        $tunnel = Start-MProxyTunnel $relay.Listen[0] $target -Name job-tunnel
        (Get-Job -Name job-*).PSJobTypeName | Should -Be 'MProxyRelay', 'MProxyTunnel'
        $tunnel.State, $tunnel.LinkState, $tunnel.Location | Should -Be 'Running', 'Connected', "$($relay.Listen[0])"
        $relay.Command | Should -BeLike 'Start-MProxyRelay tcp://127.0.0.1:*'
        $relay.StatusMessage, $tunnel.StatusMessage | Should -Be '1 link, 0 clients', '1 link, 0 clients'
        $tunnel.ChildJobs.Count | Should -Be 0

        # What came before anybody asked is there.
        $kinds = Wait-Kind $tunnel LinkUp
        $kinds[0].GetType().FullName | Should -BeExactly 'MProxy.Event'
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $local = $service.AcceptTcpClient()
        $id = "IPv4,127.0.0.1,$($client.Client.LocalEndPoint.Port)"
        $opened = (Wait-Kind $relay ClientOpened)[-1]
        $opened.SocketId, $opened.Source | Should -Be $id, 'job-relay'
        $opened.Message | Should -BeLike "tcp client $id of port $($relay.TcpPort[0]) has come and goes to tcp 127.0.0.1:*."
        (Wait-Kind $tunnel ClientOpened)[-1].Message | Should -BeExactly "tcp client $id of port $($relay.TcpPort[0]) has come."
        $tunnel.HasMoreData | Should -BeFalse
        $null = $client.Client.Send([byte[]] (1, 2, 3))
        $local.GetStream().ReadExactly([byte[]]::new(3), 0, 3)
        $client.Dispose()
        $local.Dispose()
        $closed = (Wait-Kind $tunnel ClientClosed)[-1]
        $closed.SocketId | Should -Be $id
        $closed.Message | Should -BeLike "tcp client $id of port * is over after * s: 3 bytes received over the link, 0 sent."

        Stop-Job -Name job-tunnel
        $tunnel.State, $tunnel.LinkState | Should -Be 'Stopped', 'Stopped'
        Get-MProxyTunnel job-* | Should -BeNullOrEmpty
        (Wait-Job $tunnel -Timeout 5).Name | Should -Be 'job-tunnel'
        @(Receive-Job $tunnel -Keep)[-1].Kind, @(Receive-Job $tunnel)[-1].Source | Should -Be 'Stopped', 'job-tunnel'
        Receive-Job $tunnel | Should -BeNullOrEmpty
        (Get-Job -Name job-tunnel).State | Should -Be 'Stopped'
        Remove-Job -Name job-tunnel
        Get-Job | Where-Object Name -EQ 'job-tunnel' | Should -BeNullOrEmpty

        { Remove-Job $relay -ErrorAction Stop } | Should -Throw
        Remove-Job $relay -Force
        { [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0]) } | Should -Throw
        Get-MProxyRelay job-* | Should -BeNullOrEmpty
        Get-Job | Where-Object PSJobTypeName -Like 'MProxy*' | Should -BeNullOrEmpty
    }

    It 'leave the job table when their own cmdlets stop them, after a drain that is seen' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $tunnel = Start-MProxyTunnel $relay.Listen[0] $target
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $local = $service.AcceptTcpClient()
        $stop = Open-Session 'param($Name) Stop-MProxyTunnel $Name -DrainTimeout 60' $tunnel.Name
        $stopping = $stop.BeginInvoke()
        $null = Wait-Kind $tunnel Draining
        $tunnel.State, $tunnel.LinkState | Should -Be 'Stopping', 'Draining'
        $client.Dispose()
        $local.Dispose()
        $stop.EndInvoke($stopping)
        Close-Session $stop
        $tunnel.State | Should -Be 'Stopped'
        (Get-Job).Name -contains $tunnel.Name | Should -BeFalse

        # It can be received from all the same.
        @(Receive-Job $tunnel)[-1].Kind | Should -Be 'Stopped'
        $relay | Stop-MProxyRelay
        Remove-Job $tunnel -ErrorAction SilentlyContinue
    }

    It 'fail where their relay refuses them for good, and say why' {
        $secret = [Net.NetworkCredential]::new('', 'a secret of thirty-two bytes or more').SecurePassword
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -GrantedPort 1 -Secret $secret -TokenTimeout 0.2
        $token = New-MProxyToken -Secret $secret -Port 1 -Id lost
        $tunnel = Start-MProxyTunnel $relay.Listen[0] $target -Token $token
        $relay | Set-MProxyRelay -RevokedTokenId lost
        (Wait-Job $tunnel -Timeout 20).State | Should -Be 'Failed'
        $errors = @()
        $kinds = (Receive-Job $tunnel -ErrorVariable errors -ErrorAction SilentlyContinue).Kind
        $kinds -contains 'LinkRefused' | Should -BeTrue
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'TunnelFailed*'
        (Get-MProxyTunnel $tunnel.Name).LinkState | Should -Be 'Refused'
        Remove-Job $tunnel
        Get-MProxyTunnel | Should -BeNullOrEmpty
        $relay | Stop-MProxyRelay
    }

    It 'keep the newest thousand events and count the others' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $link = Connect-MProxyRelay $relay.Listen[0]
        $null = Wait-Until { $relay.HasMoreData }

        # Of clients, 200 at once are told, and then 100 a second. These come at the same moment, however slow the machine, and are too few to fill the job.
        $clients = @(foreach ($number in 1..450) { [Net.Sockets.TcpClient]::new() })
        $coming = @(foreach ($client in $clients) { $client.ConnectAsync('127.0.0.1', $relay.TcpPort[0]) })

        # Nobody takes clients from the link: they are reset, some of them before they know that they are connected.
        $null = Wait-Until { @($coming | Where-Object { -not $_.IsCompleted }).Count -eq 0 }
        foreach ($client in $clients) {
            $client.Client.Close(0)
        }
        $null = Wait-Until { $relay.ClientCount -eq 0 -and $relay.DroppedEventCount -gt 0 }
        $link | Disconnect-MProxyRelay
        $relay | Stop-MProxyRelay
        $kinds = @((Receive-Job $relay).Kind)
        $kinds[0] | Should -Be 'LinkUp'
        $opened = @($kinds | Where-Object { $_ -eq 'ClientOpened' }).Count
        @($kinds | Where-Object { $_ -eq 'ClientClosed' }).Count | Should -Be $opened

        # Some were gone before the relay had them.
        ($opened -ge 100 -and $opened + $relay.DroppedEventCount -le 450) | Should -BeTrue

        # Of 1,000 that are kept, those of clients are the first to go.
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $tunnel = Start-MProxyTunnel $relay.Listen[0] $target
        $null = Wait-Until { $tunnel.HasMoreData }
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $service.AcceptTcpClient().Dispose()
        $client.Dispose()
        $null = Wait-Until { $tunnel.ClientCount -eq 0 }
        foreach ($number in 1..500) {
            $tunnel | Set-MProxyTunnel -DrainService tcp
            $tunnel | Set-MProxyTunnel -RestoreService tcp
        }
        $tunnel | Stop-MProxyTunnel
        $kinds = @((Receive-Job $tunnel).Kind)
        $kinds.Count | Should -Be 1000
        $kinds -contains 'ClientOpened' -or $kinds -contains 'ClientClosed' | Should -BeFalse
        $relay | Stop-MProxyRelay
    }

    It 'raise events of .NET, as Register-ObjectEvent takes them' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0
        $subscriber = $ExecutionContext.Events.SubscribeEvent($relay, 'EventRaised', 'relay-event', $null, [scriptblock] $null, $false, $false)
        try {
            $link = Connect-MProxyRelay $relay.Listen[0]
            # Events come in meanwhile: Get-Event, which the Shell does not have, takes the same lock.
            $received = $ExecutionContext.Events.ReceivedEvents
            $happened = @(Wait-Until {
                    [Threading.Monitor]::Enter($received.SyncRoot)
                    try { $received | Where-Object SourceIdentifier -EQ 'relay-event' } finally { [Threading.Monitor]::Exit($received.SyncRoot) }
                })[0]
            $happened.Sender.Name | Should -Be $relay.Name
            $happened.SourceEventArgs.Kind | Should -Be 'LinkUp'
        }
        finally {
            $ExecutionContext.Events.UnsubscribeEvent($subscriber)
            $link | Disconnect-MProxyRelay
            $relay | Stop-MProxyRelay
        }
    }

    It 'end with the session that started them, and with nobody else' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name mine
        $session = Open-Session @'
param($Relay, $Target)
$other = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name theirs
$null = Start-MProxyTunnel $Relay $Target -Name theirs
$null = Connect-MProxyRelay $other.Listen[0] -Name theirs
$other
'@ "$($relay.Listen[0])", $target
        $other = $session.Invoke()[0]
        $relay.LinkCount, $other.LinkCount | Should -Be 1, 1
        (Get-MProxyRelay theirs).Name | Should -Be 'theirs'
        Close-Session $session
        { [Net.Sockets.TcpClient]::new('127.0.0.1', $other.TcpPort[0]) } | Should -Throw
        $other.State | Should -Be 'Stopped'
        $null = Wait-Until { $relay.LinkCount -eq 0 }
        Get-MProxyRelay theirs* | Should -BeNullOrEmpty
        Get-MProxyTunnel theirs* | Should -BeNullOrEmpty
        $relay.State | Should -Be 'Running'
        $relay | Stop-MProxyRelay
    }

    It 'end when the session removes the module, and leave its job table' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name mine
        $session = Open-Session @'
param($Relay, $Target)
$null = Start-MProxyTunnel $Relay $Target
$null = Start-MProxyTunnel $Relay $Target | Stop-Job -PassThru
@(Get-Job).Count
Remove-Module MProxy
@(Get-Job).Count
'@ "$($relay.Listen[0])", $target
        $session.Invoke() | Should -Be 2, 0
        $session.Streams.Error | Should -BeNullOrEmpty
        Close-Session $session
        $null = Wait-Until { $relay.LinkCount -eq 0 }
        $relay.State | Should -Be 'Running'
        $relay | Stop-MProxyRelay
    }

    It 'can be waited for in the foreground, and let clients finish behind a stop' {
        $session = Open-Session "`$InformationPreference = 'SilentlyContinue'; Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name front -Wait -DrainTimeout 60"
        $output = [System.Management.Automation.PSDataCollection[psobject]]::new()
        $noInput = [System.Management.Automation.PSDataCollection[psobject]]::new()
        $noInput.Complete()
        $null = $session.BeginInvoke($noInput, $output)
        $relay = Wait-Until { Get-MProxyRelay front* }
        $tunnel = Start-MProxyTunnel $relay.Listen[0] $target
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $local = $service.AcceptTcpClient()
        $null = Wait-Until { @($session.Streams.Information).MessageData.Kind -contains 'ClientOpened' }
        $told = $session.Streams.Information[0]
        "$($told.MessageData.Kind) $($told.Tags)" | Should -Be 'LinkUp MProxy'
        $null = Wait-Until { $session.Streams.Progress | Where-Object StatusDescription -Like '1 link, 1 client, in * B/s, out * B/s*' }
        $session.Streams.Progress[0].Activity | Should -BeExactly 'MProxyRelay front'

        $watch = [Diagnostics.Stopwatch]::StartNew()
        $session.Stop()
        "$($watch.Elapsed.TotalSeconds -lt 1)" | Should -Be 'True'
        $output.Count, $output[0].Name | Should -Be 1, 'front'
        $relay.State | Should -Be 'Stopping'
        { [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0]) } | Should -Throw
        $null = $client.Client.Send([byte[]] (7))
        $local.GetStream().ReadByte() | Should -Be 7
        $client.Dispose()
        $local.Dispose()
        $null = Wait-Until { $relay.State -eq 'Stopped' }
        Get-MProxyRelay front* | Should -BeNullOrEmpty
        Close-Session $session
        $tunnel | Stop-MProxyTunnel -DrainTimeout 0
    }

    It 'let a closing session wait for clients that are finishing' {
        $session = Open-Session "Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name front -Wait -DrainTimeout 0.3"
        $null = $session.BeginInvoke()
        $relay = Wait-Until { Get-MProxyRelay front* }
        $tunnel = Start-MProxyTunnel $relay.Listen[0] $target
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $local = $service.AcceptTcpClient()
        $watch = [Diagnostics.Stopwatch]::StartNew()
        Close-Session $session
        $took = $watch.Elapsed.TotalSeconds
        "$($took -ge 0.25 -and $took -lt 5)" | Should -Be 'True'
        $relay.State | Should -Be 'Stopped'
        $client.Dispose()
        $local.Dispose()
        $tunnel | Stop-MProxyTunnel -DrainTimeout 0
    }

    It 'end the foreground with the reason when they fail' {
        $secret = [Net.NetworkCredential]::new('', 'a secret of thirty-two bytes or more').SecurePassword
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -GrantedPort 1 -Secret $secret -TokenTimeout 0.2
        $token = New-MProxyToken -Secret $secret -Port 1 -Id lost
        $session = Open-Session 'param($Relay, $Target, $Token) Start-MProxyTunnel $Relay $Target -Token $Token -Name front -Wait' $relay.Listen[0], $target, $token
        $running = $session.BeginInvoke()
        $null = Wait-Until { Get-MProxyTunnel front* }
        $relay | Set-MProxyRelay -RevokedTokenId lost
        $running.AsyncWaitHandle.WaitOne(20000) | Should -BeTrue
        $null = $session.EndInvoke($running)
        $session.Streams.Error[0].FullyQualifiedErrorId | Should -BeLike 'TunnelFailed,*'

        # Its name is free at once.
        Get-MProxyTunnel front* | Should -BeNullOrEmpty
        Close-Session $session
        $relay | Stop-MProxyRelay
    }

    It 'leave nothing behind when whoever is behind the pipeline has enough' {
        $session = Open-Session 'do { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name front -Wait | ForEach-Object { $_; break } } while ($false)'
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $result = $session.Invoke()
        "$($watch.Elapsed.TotalSeconds -lt 2)" | Should -Be 'True'
        $null = Wait-Until { $result[0].State -eq 'Stopped' }
        Get-MProxyRelay front* | Should -BeNullOrEmpty
        Close-Session $session
    }

    It 'tell all, where a handler of their events fails' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0

        # A script has no runspace there, and fails.
        $relay.add_EventRaised({ throw 'no' })
        $link = Connect-MProxyRelay $relay.Listen[0]
        $null = Wait-Kind $relay LinkUp
        Stop-Job $relay
        @(Receive-Job $relay)[-1].Kind | Should -Be 'Stopped'
        Remove-Job $relay
        $link | Disconnect-MProxyRelay
    }

    It 'can be removed while their own cmdlet waits for clients' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $tunnel = Start-MProxyTunnel $relay.Listen[0] $target
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $local = $service.AcceptTcpClient()
        $stop = Open-Session 'param($Name) Stop-MProxyTunnel $Name -DrainTimeout 600' $tunnel.Name
        $stopping = $stop.BeginInvoke()
        $null = Wait-Until { $tunnel.State -eq 'Stopping' }
        Remove-Job $tunnel -Force
        $stop.EndInvoke($stopping)
        Close-Session $stop
        (Get-Job).Name -contains $tunnel.Name | Should -BeFalse
        $client.Dispose()
        $local.Dispose()
        $relay | Stop-MProxyRelay
    }

    It 'take no parameter of a wait without one' {
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -DrainTimeout 1 } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyTunnel tcp://127.0.0.1:1 $target -DrainTimeout 1 } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
        { Start-MProxyTunnel tcp://127.0.0.1:1 $target -ThrottleLimit 1 } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
    }
}
