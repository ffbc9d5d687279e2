# Captures of relays, tunnels and links, read back.
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'A capture' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $folder = [IO.Path]::Combine([IO.Path]::GetTempPath(), [Guid]::NewGuid().ToString('n'))
        $null = [IO.Directory]::CreateDirectory($folder)
        $quiet = @{ WarningAction = 'SilentlyContinue' }
        $path = $ExecutionContext.SessionState.Path
    }

    AfterAll {
        [IO.Directory]::Delete($folder, $true)
    }

    It 'holds what went through a relay and a tunnel' {
        $service = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $service.Start()
        $before = $path.CurrentLocation.Path
        $null = $path.SetLocation($folder)
        try {
            $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -CapturePath ./relay.bin @quiet
            $tunnel = Start-MProxyTunnel $relay.Listen[0] -Service "tcp=127.0.0.1:$($service.LocalEndpoint.Port)" -CapturePath tunnel.bin @quiet
        }
        finally { $null = $path.SetLocation($before) }
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $id = Get-MProxySocketId $client.Client.LocalEndPoint
        $answers = $client.GetStream()
        $local = $service.AcceptTcpClient()
        $client.Client.Send([byte[]] (1, 2, 3)) | Should -Be 3
        $buffer = [byte[]]::new(3)
        $local.GetStream().ReadExactly($buffer, 0, 3)
        $client.Client.Shutdown('Send')
        $local.GetStream().Read($buffer, 0, 3) | Should -Be 0
        $local.Client.Send([byte[]] (9)) | Should -Be 1
        $local.Dispose()
        $answers.Read($buffer, 0, 3) | Should -Be 1
        $answers.Read($buffer, 0, 3) | Should -Be 0
        $client.Dispose()
        $tunnel | Stop-MProxyTunnel
        $relay | Stop-MProxyRelay
        $service.Stop()

        foreach ($name in 'relay.bin', 'tunnel.bin') {
            $file = [IO.Path]::Combine($folder, $name)
            $frames = @(ConvertFrom-MProxyStream -Path $file)
            $frames[0].Control[1] | Should -Be 'hello'
            $ours = @($frames | Where-Object SocketId -EQ $id)
            $ours[0].Kind | Should -Be 'Connection'
            ($ours | Where-Object Kind -EQ Message).Data | Should -Be 1, 2, 3, 9
            @($ours | Where-Object Kind -EQ End).Count | Should -Be 2

            $lines = [IO.File]::ReadAllLines("$file.times")
            $lines.Count | Should -Be $frames.Count
            $line = [Text.Json.JsonDocument]::Parse($lines[0]).RootElement
            $line.GetProperty('kind').GetString(), $line.GetProperty('offset').GetInt64() | Should -Be 'Control', 0
            $line.GetProperty('direction').GetString() | Should -Be @{ 'relay.bin' = 'out'; 'tunnel.bin' = 'in' }[$name]
            [DateTimeOffset]::Parse($line.GetProperty('time').GetString()) -le [DateTimeOffset]::UtcNow | Should -BeTrue
        }
    }

    It 'holds what a script says and no token' {
        $secret = [Net.NetworkCredential]::new('', [Convert]::ToHexString([Security.Cryptography.RandomNumberGenerator]::GetBytes(32))).SecurePassword
        $token = New-MProxyToken device.example -Secret $secret
        $file = [IO.Path]::Combine($folder, 'link.bin')
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Secret $secret -CapturePath "$file.relay" @quiet
        $link = Connect-MProxyRelay $relay.Listen[0] -Token $token -CapturePath $file @quiet
        (Send-MProxyControl $link ping).Success | Should -BeTrue
        $link | Disconnect-MProxyRelay
        $relay | Stop-MProxyRelay
        $text = [Net.NetworkCredential]::new('', $token).Password
        foreach ($one in [IO.Directory]::GetFiles($folder, 'link.bin*')) {
            [IO.File]::ReadAllText($one).Contains($text.Split('.')[1]) | Should -BeFalse
        }
        @(ConvertFrom-MProxyStream -Path $file | Where-Object { $_.Control[1] -eq 'add_token' }).Control[2] | Should -Be '<token>'
    }

    It 'warns of what it holds, unless it holds no bodies' {
        $warnings = $null
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -CapturePath ([IO.Path]::Combine($folder, 'warned.bin')) -WarningVariable warnings @quiet
        $relay | Stop-MProxyRelay
        "$warnings" | Should -BeLike '*what clients send*'
        $file = [IO.Path]::Combine($folder, 'headers.bin')
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -CapturePath $file -CaptureHeadersOnly -WarningVariable warnings
        $test = Test-MProxyRelay $relay.Listen[0] -CapturePath "$file.test" -CaptureHeadersOnly
        $relay | Stop-MProxyRelay
        $test.Success | Should -BeTrue
        $warnings | Should -BeNullOrEmpty
        foreach ($one in $file, "$file.test") {
            $frames = @(ConvertFrom-MProxyStream -Path $one)
            $frames.Count -ge 4 | Should -BeTrue
            @($frames | Where-Object Length -NE 0).Count | Should -Be 0
        }
    }

    It 'holds the frames of some clients alone, up to a bound' {
        $file = [IO.Path]::Combine($folder, 'some.bin')
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -CapturePath $file -CaptureSocketId 'IPv4,*' @quiet
        $link = Connect-MProxyRelay $relay.Listen[0] -CapturePath "$file.link" -CaptureMaxLength 300 @quiet
        $link | Disconnect-MProxyRelay
        $relay | Stop-MProxyRelay
        [IO.FileInfo]::new($file).Length | Should -Be 0
        [IO.FileInfo]::new("$file.link").Length + [IO.FileInfo]::new("$file.link.times").Length -le 300 | Should -BeTrue
    }

    It 'needs a file of its own, and starts nothing without' {
        $file = [IO.Path]::Combine($folder, 'mine.txt')
        [IO.File]::WriteAllText($file, 'mine')
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -CapturePath $file } | Should -Throw '*is there already*' -ErrorId 'CaptureUnavailable,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyTunnel tcp://127.0.0.1:1 tcp=127.0.0.1:9 -CapturePath $file } | Should -Throw -ErrorId 'CaptureUnavailable,MProxy.Commands.StartMProxyTunnelCommand'
        { Connect-MProxyRelay tcp://127.0.0.1:1 -CapturePath ([IO.Path]::Combine($folder, 'no', 'such', 'x.bin')) } | Should -Throw -ErrorId 'CaptureUnavailable,MProxy.Commands.ConnectMProxyRelayCommand'
        { Test-MProxyRelay tcp://127.0.0.1:1 -CapturePath Variable:x } | Should -Throw '*file system*' -ErrorId 'CaptureUnavailable,MProxy.Commands.TestMProxyRelayCommand'
        { Connect-MProxyRelay tcp://127.0.0.1:1 -CaptureHeadersOnly } | Should -Throw '*-CapturePath*' -ErrorId 'InvalidOption,MProxy.Commands.ConnectMProxyRelayCommand'
        [IO.File]::ReadAllText($file) | Should -Be 'mine'
        Get-MProxyRelay | Should -BeNullOrEmpty
    }

    It 'leaves no file where nothing was started' {
        $file = [IO.Path]::Combine($folder, 'none.bin')
        { Connect-MProxyRelay tcp://127.0.0.1:1 -CapturePath $file -ConnectTimeout 5 @quiet } | Should -Throw -ErrorId 'ConnectFailed,MProxy.Commands.ConnectMProxyRelayCommand'
        Start-MProxyRelay -Listen tcp://127.0.0.1:0 -CapturePath $file -WhatIf
        (Test-MProxyRelay tcp://127.0.0.1:1 -ConnectTimeout 5 -CapturePath $file @quiet).Success | Should -BeFalse
        [IO.File]::Exists($file) | Should -BeFalse
        [IO.File]::Exists("$file.times") | Should -BeFalse
    }

    It 'is for whoever dials' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0
        $link = Connect-MProxyRelay $relay.Listen[0]
        { $link | Start-MProxyTunnel -Service tcp=127.0.0.1:9 -CapturePath ([IO.Path]::Combine($folder, 'x')) } | Should -Throw '*-CapturePath *' -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
        $link | Disconnect-MProxyRelay
        $relay | Stop-MProxyRelay
    }
}
