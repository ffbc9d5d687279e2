[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'The clients on a link' {
    BeforeAll {
        $root = [IO.Path]::GetDirectoryName($PSScriptRoot)
        Import-Module ([IO.Path]::Combine($root, 'MProxy.psd1'))
        $service = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $service.Start()
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name live-relay
        $link = Connect-MProxyRelay $relay.Listen[0] -Name live-link
        $tunnel = $link | Start-MProxyTunnel -Service "tcp=127.0.0.1:$($service.LocalEndpoint.Port)" -Name live-tunnel
    }

    BeforeEach {
        # Both ends have the client before its service gets it.
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $local = $service.AcceptTcpClient()
        $answers, $requests = $client.GetStream(), $local.GetStream()
        $id = Get-MProxySocketId $client.Client.LocalEndPoint
    }

    AfterEach {
        # Whatever a test did, the next one finds no client.
        $relay | Get-MProxyConnection | Stop-MProxyConnection
        { $requests.ReadExactly([byte[]]::new(1), 0, 1) } | Should -Throw
        $local.Dispose()
        $client.Dispose()
    }

    AfterAll {
        Stop-MProxyTunnel -Name live-*
        Disconnect-MProxyRelay -Name live-*
        Stop-MProxyRelay -Name live-*
        $service.Stop()
    }

    It 'are listed at each end that is here, with what they are' {
        $found = Get-MProxyConnection $id
        $found.Owner | Should -Be 'live-relay', 'live-tunnel'
        $found[0].Device | Should -BeLike 'tcp 127.0.0.1:*'
        $found[1].Device | Should -Be 'live-link'
        foreach ($one in $found) {
            "$one $($one.Service) $($one.ServicePort) [$($one.Name)] $($one.State)" | Should -Be "$id tcp $($relay.TcpPort[0]) [] Open"
            "IPv4,$($one.Address),$($one.Port)" | Should -Be $id
            $one.OpenedAt.Offset | Should -Be ([timespan]::Zero)
            $one.Age -ge [timespan]::Zero | Should -BeTrue
        }
        $relay.Connections[0].SocketId, $tunnel.Connections[0].SocketId, $link.Connections[0].SocketId | Should -Be $id, $id, $id
    }

    It 'are counted in bytes from and to the client' {
        $client.Client.Send([byte[]] (1, 2, 3)) | Should -Be 3
        $buffer = [byte[]]::new(3)
        $requests.ReadExactly($buffer, 0, 3)
        $local.Client.Send([byte[]] (4, 5)) | Should -Be 2
        $answers.ReadExactly($buffer, 0, 2)
        $found = Get-MProxyConnection $id
        $found.BytesIn | Should -Be 3, 3
        $found.BytesOut | Should -Be 2, 2
    }

    It 'come by relay, tunnel and link' {
        ($relay | Get-MProxyConnection).Owner | Should -Be 'live-relay'
        (Get-MProxyConnection -Relay $relay).Owner | Should -Be 'live-relay'
        ($tunnel | Get-MProxyConnection).Owner | Should -Be 'live-tunnel'
        (Get-MProxyConnection -Session $link).Owner | Should -Be 'live-link'
        ($relay, $tunnel, $link, $relay | Get-MProxyConnection).Owner | Should -Be 'live-relay', 'live-tunnel', 'live-link'
        ($tunnel, $tunnel | Get-MProxyConnection -Relay $relay).Owner | Should -Be 'live-relay', 'live-tunnel'
        Get-MProxyRelay no-such* | Get-MProxyConnection | Should -BeNullOrEmpty
        { Get-MProxyConnection -Session @() } | Should -Throw -ErrorId 'ParameterArgumentValidationError,MProxy.Commands.GetMProxyConnectionCommand'
    }

    It 'are chosen by service, name and device' {
        Get-MProxyConnection -Service ht*, TC* -Device live-* | Should -HaveCount 1
        Get-MProxyConnection -Service http | Should -BeNullOrEmpty
        Get-MProxyConnection -Name *.example | Should -BeNullOrEmpty
        Get-MProxyConnection -Name * | Should -HaveCount 2
        (Get-MProxyConnection -Device $relay.Connections[0].Device).Owner | Should -Be 'live-relay'
    }

    It 'are found by wildcards and without quotes, and one that is not there is an error' {
        $port = $client.Client.LocalEndPoint.Port
        Get-MProxyConnection ipv4,127.0.0.1,$port | Should -HaveCount 2
        Get-MProxyConnection "*,$port" | Should -HaveCount 2
        Get-MProxyConnection 'IPv6,*' | Should -BeNullOrEmpty
        foreach ($verb in 'Get', 'Suspend', 'Resume', 'Stop') {
            { & "$verb-MProxyConnection" 'IPv4,192.0.2.1,9' -ErrorAction Stop } | Should -Throw -ErrorId "ConnectionNotFound,MProxy.Commands.${verb}MProxyConnectionCommand"
        }
        $failures = $null
        (Get-MProxyConnection 'IPv4,192.0.2.1,9', $id -ErrorAction SilentlyContinue -ErrorVariable failures).Owner | Should -Be 'live-relay', 'live-tunnel'
        @($failures).Count | Should -Be 1
        $failures[0].CategoryInfo.Category | Should -Be 'ObjectNotFound'
        $failures[0].TargetObject | Should -Be 'IPv4,192.0.2.1,9'
    }

    It 'stand still while they are suspended, and lose nothing' {
        $suspended = $relay | Get-MProxyConnection | Suspend-MProxyConnection -PassThru
        $suspended.State | Should -Be 'Suspended'
        # By the answer, the other end has read what came before it.
        $null = Send-MProxyControl $link ping
        (Get-MProxyConnection -Tunnel $tunnel).State | Should -Be 'Paused'
        $client.Client.Send([byte[]] (1, 2, 3)) | Should -Be 3
        $null = Send-MProxyControl $link ping
        $suspended.BytesIn | Should -Be 0
        $suspended | Resume-MProxyConnection -PassThru | ForEach-Object { $_.State } | Should -Be 'Open'
        $buffer = [byte[]]::new(3)
        $requests.ReadExactly($buffer, 0, 3)
        $buffer | Should -Be 1, 2, 3
        $null = Send-MProxyControl $link ping
        (Get-MProxyConnection -Tunnel $tunnel).State | Should -Be 'Open'
    }

    It 'are suspended and resumed at both ends by their identity' {
        (Suspend-MProxyConnection $id -PassThru).State | Should -Be 'Suspended', 'Suspended'
        (Resume-MProxyConnection -SocketId "$id" -PassThru).State -contains 'Suspended' | Should -BeFalse
        Suspend-MProxyConnection $id
        Suspend-MProxyConnection $id | Should -BeNullOrEmpty
        (Get-MProxyConnection $id).State | Should -Be 'Suspended', 'Suspended'
    }

    It 'are reset at both ends when they are stopped' {
        $stopped = Stop-MProxyConnection $id -PassThru
        $stopped.State | Should -Be 'Closed', 'Closed'
        { $answers.ReadByte() } | Should -Throw
        { $requests.ReadByte() } | Should -Throw
        Get-MProxyConnection | Should -BeNullOrEmpty
        # Over already: no error for one to stop, but for one to suspend or resume.
        $stopped | Stop-MProxyConnection
        { $stopped[0] | Suspend-MProxyConnection -ErrorAction Stop } | Should -Throw -ErrorId 'ConnectionEnded,MProxy.Commands.SuspendMProxyConnectionCommand'
        { $stopped[0] | Resume-MProxyConnection -ErrorAction Stop } | Should -Throw -ErrorId 'ConnectionEnded,MProxy.Commands.ResumeMProxyConnectionCommand'
    }

    It 'are left alone with -WhatIf' {
        Suspend-MProxyConnection $id -WhatIf -PassThru | Should -BeNullOrEmpty
        Stop-MProxyConnection $id -WhatIf
        (Get-MProxyConnection $id).State | Should -Be 'Open', 'Open'
    }

    It 'complete, in quotes' {
        foreach ($line in "Stop-MProxyConnection ipv4", "Get-MProxyConnection -SocketId 'IPv4,127") {
            $found = @([Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches)
            $found.Count | Should -Be 1
            $found[0].CompletionText | Should -BeExactly "'$id'"
            $found[0].ToolTip | Should -Be 'tcp, Open'
        }
    }

    It 'have a view whose script blocks run' {
        $views = [xml]::new()
        $views.Load([IO.Path]::Combine($root, 'bin', 'MProxy.Format.ps1xml'))
        $shown = foreach ($view in $views.Configuration.ViewDefinitions.View | Where-Object { $_.Name -eq 'MProxy.ClientConnection' }) {
            foreach ($script in $view.SelectNodes('.//ScriptBlock')) { $relay.Connections[0] | ForEach-Object ([scriptblock]::Create($script.InnerText)) }
        }
        $shown[0, 1, 2] | Should -Be $id, 'tcp', ''
        $shown[4, 5, 12, 13] | Should -Be '0 B', '0 B', '0 B', '0 B'
        $shown[3] | Should -BeLike '00:00:??'
        $shown[6, 7, 8, 9] | Should -Be $id, 'tcp', '', '127.0.0.1'
        $shown.Count | Should -Be 14
        [MProxy.Internal.Display]::Age([timespan]::new(0, 1, 2, 3, 999)) | Should -BeExactly '01:02:03'
        [MProxy.Internal.Display]::Age([timespan]::new(12, 23, 59, 59)) | Should -BeExactly '12.23:59:59'
    }
}
