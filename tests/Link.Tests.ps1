# Links, tokens and script devices, over every carrier. Waits are those of the cmdlets, which all have an end.
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'A link' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name link-relay
        $link = Connect-MProxyRelay $relay.Listen[0] -Name link-one
    }

    AfterAll {
        Disconnect-MProxyRelay -Name link-* -DrainTimeout 0
        Stop-MProxyRelay -Name link-*
    }

    It 'says where it leads and how it stands' {
        $link.Name, $link.State, $link.Carrier | Should -Be 'link-one', 'Connected', 'tcp'
        "$($link.RelayUri)" | Should -Be "$($relay.Listen[0])"
        $link.Versions | Should -Be 1
        $link.Commands -contains 'add_token' | Should -BeTrue
        $link.Commands -contains 'ping' | Should -BeTrue
        $link.SocketId | Should -BeLike 'IPv4,127.0.0.1,*'
        $link.RoundTrip -gt [timespan]::Zero | Should -BeTrue
        $link.BytesIn -gt 0 -and $link.BytesOut -gt 0 | Should -BeTrue
        $link.ClientCount | Should -Be 0
        $link.Grants | Should -BeNullOrEmpty
        $link.TlsProtocol | Should -BeNullOrEmpty
        $link.Thumbprint | Should -BeNullOrEmpty
        $link.Ended.IsCompleted | Should -BeFalse
    }

    It 'has a name of its own' {
        { Connect-MProxyRelay $relay.Listen[0] -Name LINK-ONE } | Should -Throw -ErrorId 'NameInUse,MProxy.Commands.ConnectMProxyRelayCommand'
    }

    It 'cannot be had where nobody listens, or with parameters that do not go with the address' {
        { Connect-MProxyRelay tcp://127.0.0.1:1 -ConnectTimeout 5 } | Should -Throw -ErrorId 'ConnectFailed,MProxy.Commands.ConnectMProxyRelayCommand'
        { Connect-MProxyRelay ftp://127.0.0.1:1 } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,MProxy.Commands.ConnectMProxyRelayCommand'
        { Connect-MProxyRelay $relay.Listen[0] -Thumbprint ('A' * 64) } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.ConnectMProxyRelayCommand'
        { Connect-MProxyRelay $relay.Listen[0] -Header @{ a = 1 } } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.ConnectMProxyRelayCommand'
        $word = [Net.NetworkCredential]::new('', [Guid]::NewGuid().ToString('n')).SecurePassword
        { Connect-MProxyRelay $relay.Listen[0] -CertificateKeyPath no-such.key } | Should -Throw '*-CertificatePath*' -ErrorId 'InvalidOption,MProxy.Commands.ConnectMProxyRelayCommand'
        { Connect-MProxyRelay $relay.Listen[0] -CertificatePassword $word } | Should -Throw '*-CertificatePath*' -ErrorId 'InvalidOption,MProxy.Commands.ConnectMProxyRelayCommand'
        { Start-MProxyRelay tcp://127.0.0.1:0 -CertificateKeyPath no-such.key } | Should -Throw '*-CertificatePath*' -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyTunnel tcp://127.0.0.1:1, tcp://127.0.0.1:2 -Service tcp=127.0.0.1:9 -ConnectTimeout 5 } | Should -Throw -ErrorId 'TunnelStartFailed,MProxy.Commands.StartMProxyTunnelCommand'
        Get-MProxyTunnel | Should -BeNullOrEmpty
    }

    It 'asks the relay, and a refusal is a reply' {
        $reply = $link | Send-MProxyControl -Command ping
        $reply.Success, $reply.Code | Should -Be $true, $null
        $reply.RoundTrip -gt [timespan]::Zero | Should -BeTrue
        $reply = Send-MProxyControl $link no_such 1, @{ a = 'b' }
        $reply.Success, $reply.Code | Should -Be $false, 'E_UNKNOWN_COMMAND'
    }

    It 'sends no control message that is longer than a relay reads, or nested too deep' {
        { $link | Send-MProxyControl -Command no_such -ArgumentList ('x' * 70000) -ErrorAction Stop } | Should -Throw '*65536*' -ErrorId 'InvalidOption,MProxy.Commands.SendMProxyControlCommand'
        $endless = @{ }
        $endless.Self = $endless
        { $link | Send-MProxyControl -Command no_such -ArgumentList $endless -ErrorAction Stop } | Should -Throw '*64*' -ErrorId 'InvalidOption,MProxy.Commands.SendMProxyControlCommand'
        (Send-MProxyControl $link no_such ('x' * 60000)).Code | Should -Be 'E_UNKNOWN_COMMAND'
    }

    It 'serves with a tunnel, and stays when that stops' {
        $tunnel = $link | Start-MProxyTunnel -Service tcp=127.0.0.1:9 -Name link-tunnel
        $tunnel.LinkState, $tunnel.Links[0].Name | Should -Be 'Connected', 'link-one'
        { $link | Start-MProxyTunnel -Service tcp=127.0.0.1:9 } | Should -Throw -ErrorId 'TunnelStartFailed,MProxy.Commands.StartMProxyTunnelCommand'
        $word = [Net.NetworkCredential]::new('', [Guid]::NewGuid().ToString('n')).SecurePassword
        { $link | Start-MProxyTunnel -Service tcp=127.0.0.1:9 -Token $word } | Should -Throw '*-Token *' -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
        { $link | Start-MProxyTunnel -Service tcp=127.0.0.1:9 -MaxRetryDelay 1 } | Should -Throw '*-MaxRetryDelay *' -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyTunnelCommand'
        { Receive-MProxyFrame $link -Timeout 1 -ErrorAction Stop } | Should -Throw -ErrorId 'LinkInUse,MProxy.Commands.ReceiveMProxyFrameCommand'
        { Send-MProxyFrame $link x -SocketId 'IPv4,192.0.2.1,1' -ErrorAction Stop } | Should -Throw -ErrorId 'LinkInUse,MProxy.Commands.SendMProxyFrameCommand'
        $tunnel | Stop-MProxyTunnel
        $tunnel.LinkState, $link.State | Should -Be 'Stopped', 'Connected'
        $again = $link | Start-MProxyTunnel -Service tcp=127.0.0.1:9
        $again.LinkState | Should -Be 'Connected'
        $again | Stop-MProxyTunnel
    }

    It 'completes commands and names' {
        $complete = { param($Line) [Management.Automation.CommandCompletion]::CompleteInput($Line, $Line.Length, $null).CompletionMatches.CompletionText }
        & $complete 'Send-MProxyControl -Command dele' | Should -Be 'delete_token'
        & $complete 'Send-MProxyControl -Session $link -Command au' | Should -Be 'auth', 'authn', 'authz'
        & $complete 'Disconnect-MProxyRelay -Name link-o' | Should -Be 'link-one'
        & $complete 'Get-MProxyRelay -Name link-' | Should -Be 'link-relay'
        & $complete 'Get-MProxyLink link-o' | Should -Be 'link-one'
    }

    It 'is disconnected by name, by wildcard and as an object' {
        $second = Connect-MProxyRelay $relay.Listen[0] -Name link-second
        $third = Connect-MProxyRelay $relay.Listen[0] -Name link-third
        (Get-MProxyLink link-second, link-th*).Name | Should -Be 'link-second', 'link-third'
        { Get-MProxyLink none -ErrorAction Stop } | Should -Throw -ErrorId 'LinkNotFound,MProxy.Commands.GetMProxyLinkCommand'
        Disconnect-MProxyRelay -Name link-second -WhatIf
        $second.State | Should -Be 'Connected'
        Disconnect-MProxyRelay -Name link-sec*
        $third | Disconnect-MProxyRelay
        $second.State, $third.State | Should -Be 'Stopped', 'Stopped'
        $second.Ended.IsCompleted | Should -BeTrue
        { Disconnect-MProxyRelay -Name link-second -ErrorAction Stop } | Should -Throw -ErrorId 'LinkNotFound,MProxy.Commands.DisconnectMProxyRelayCommand'
        { $third | Send-MProxyControl -Command ping -ErrorAction Stop } | Should -Throw -ErrorId 'NoLink,MProxy.Commands.SendMProxyControlCommand'
        Receive-MProxyFrame $third | Should -BeNullOrEmpty
    }
}

Describe 'A device in script' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name script-relay
        $link = Connect-MProxyRelay $relay.Listen[0] -Name script-link
        $null = Receive-MProxyFrame $link -Timeout 0.01
    }

    AfterAll {
        Disconnect-MProxyRelay -Name script-* -DrainTimeout 0
        Stop-MProxyRelay -Name script-*
    }

    It 'echoes a client' {
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $stream = $client.GetStream()
        $stream.Write([byte[]] (1, 2, 3), 0, 3)
        $client.Client.Shutdown('Send')
        $frames = @(Receive-MProxyFrame $link -Count 3 -Timeout 20)
        $frames | ForEach-Object { $_.Kind } | Should -Be 'Connection', 'Message', 'End'
        $frames[0].Service, $frames[0].ServicePort | Should -Be 'tcp', $relay.TcpPort[0]
        $frames[1].SocketId | Should -Be $frames[0].SocketId
        $frames[1].Data | Should -Be 1, 2, 3
        $frames[1, 2] | Send-MProxyFrame -Session $link
        $buffer = [byte[]]::new(3)
        $stream.ReadExactly($buffer, 0, 3)
        $buffer | Should -Be 1, 2, 3
        $stream.ReadByte() | Should -Be (-1)
        { $frames[1] | Send-MProxyFrame -Session $link -ErrorAction Stop } | Should -Throw -ErrorId 'ClientNotFound,MProxy.Commands.SendMProxyFrameCommand'
        $client.Dispose()
    }

    It 'sends text, bytes and errors, and nothing else' {
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $stream = $client.GetStream()
        $id = (Receive-MProxyFrame $link -Count 1 -Timeout 20).SocketId
        Send-MProxyFrame $link "$([char] 0xE9)" -SocketId $id
        Send-MProxyFrame $link ([byte[]]::new(200000)) -SocketId $id
        Send-MProxyFrame $link (65, 66) -SocketId $id
        $buffer = [byte[]]::new(200004)
        $stream.ReadExactly($buffer, 0, $buffer.Length)
        $buffer[0, 1, 2, 200002, 200003] | Should -Be 0xC3, 0xA9, 0, 65, 66
        { Send-MProxyFrame $link ([datetime]::Now) -SocketId $id -ErrorAction Stop } | Should -Throw -ErrorId 'UnsupportedInput,MProxy.Commands.SendMProxyFrameCommand'
        { Send-MProxyFrame $link -Kind Pause -SocketId $id -ErrorAction Stop } | Should -Throw -ErrorId 'UnsupportedKind,MProxy.Commands.SendMProxyFrameCommand'
        Send-MProxyFrame $link -Kind Error -Code E_NO_SERVICE -Message 'closed' -SocketId $id
        { $stream.ReadExactly($buffer, 0, 1) } | Should -Throw
        { Send-MProxyFrame $link x -SocketId $id -ErrorAction Stop } | Should -Throw -ErrorId 'ClientNotFound,MProxy.Commands.SendMProxyFrameCommand'
        $client.Dispose()
    }

    It 'is told of a client that is reset' {
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        (Receive-MProxyFrame $link -Count 1 -Timeout 20).Kind | Should -Be 'Connection'
        $client.Client.Close(0)
        $frame = Receive-MProxyFrame $link -Count 1 -Timeout 20
        $frame.Kind | Should -Be 'Error'
        $frame.Code | Should -BeLike 'E_*'
    }

    It 'ends with its link' {
        $other = Start-MProxyRelay -Listen tcp://127.0.0.1:0
        $short = Connect-MProxyRelay $other.Listen[0]
        Receive-MProxyFrame $short -Timeout 0.01 | Should -BeNullOrEmpty
        $short | Disconnect-MProxyRelay
        Receive-MProxyFrame $short | Should -BeNullOrEmpty
        $other | Stop-MProxyRelay
    }
}

Describe 'A relay that asks for tokens' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        function Get-RandomSecret { [Net.NetworkCredential]::new('', [Convert]::ToHexString([Security.Cryptography.RandomNumberGenerator]::GetBytes(32))).SecurePassword }
        $secret = Get-RandomSecret
        $wrong = New-MProxyToken a.example -Secret (Get-RandomSecret)
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Secret $secret -Name token-relay
        $port = $relay.TcpPort[0]
        $token = New-MProxyToken a.example -Port $port -Secret $secret
    }

    AfterAll {
        Disconnect-MProxyRelay -Name token-* -DrainTimeout 0
        Stop-MProxyRelay -Name token-*
    }

    It 'grants what a token says' {
        $link = Connect-MProxyRelay $relay.Listen[0] -Token $token -Name token-grants
        $link.Grants | ForEach-Object { "$_" } | Should -Be 'https a.example', "tcp 127.0.0.1:$port"
        $link.Grants[1].Service, $link.Grants[1].Name, $link.Grants[1].Ports[0] | Should -Be 'tcp', '127.0.0.1', $port
        $link | Disconnect-MProxyRelay
    }

    It 'refuses a wrong token, and an expired one' {
        { Connect-MProxyRelay $relay.Listen[0] -Token $wrong } | Should -Throw -ErrorId 'TokenRefused,MProxy.Commands.ConnectMProxyRelayCommand'
        { Start-MProxyTunnel $relay.Listen[0] -Service tcp=127.0.0.1:9 -Token $wrong } | Should -Throw -ErrorId 'TokenRefused,MProxy.Commands.StartMProxyTunnelCommand'
        $old = New-MProxyToken -Port $port -NotBefore ([DateTimeOffset]::UtcNow.AddDays(-2)) -ExpiresIn 1.00:00:00 -Secret $secret
        { Connect-MProxyRelay $relay.Listen[0] -Token $old } | Should -Throw '*expired*' -ErrorId 'TokenRefused,MProxy.Commands.ConnectMProxyRelayCommand'
    }

    It 'refuses a port that it does not give away, and one for another relay' {
        $other = New-MProxyToken -Port 1 -Secret $secret
        { Connect-MProxyRelay $relay.Listen[0] -Token $other } | Should -Throw '*port 1 *' -ErrorId 'TokenRefused,MProxy.Commands.ConnectMProxyRelayCommand'
        $strict = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Secret $secret -Audience relay.example
        { Connect-MProxyRelay $strict.Listen[0] -Token $token } | Should -Throw -ErrorId 'TokenRefused,MProxy.Commands.ConnectMProxyRelayCommand'
        $right = New-MProxyToken a.example -Audience relay.example -Secret $secret
        $link = Connect-MProxyRelay $strict.Listen[0] -Token $right
        $link.State | Should -Be 'Connected'
        $link | Disconnect-MProxyRelay
        $strict | Stop-MProxyRelay
    }

    It 'needs a secret of 32 bytes' {
        $short = [Net.NetworkCredential]::new('', 'x' * 31).SecurePassword
        { New-MProxyToken a.example -Secret $short } | Should -Throw '*31 bytes*' -ErrorId 'InvalidKey,MProxy.Commands.NewMProxyTokenCommand'
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Secret $short } | Should -Throw -ErrorId 'InvalidKey,MProxy.Commands.StartMProxyRelayCommand'
        { New-MProxyToken 127.0.0.1 -Secret $secret } | Should -Throw -ErrorId 'ParameterArgumentValidationError,MProxy.Commands.NewMProxyTokenCommand'
        { New-MProxyToken a.example -PrivateKey ([IO.Path]::Combine($PSScriptRoot, 'no-such.pem')) } | Should -Throw -ErrorId 'InvalidKey,MProxy.Commands.NewMProxyTokenCommand'
    }

    It 'takes tokens that a private key has signed' {
        $key = [Security.Cryptography.ECDsa]::Create([Security.Cryptography.ECCurve+NamedCurves]::nistP256)
        $private = [IO.Path]::GetTempFileName()
        $public = [IO.Path]::GetTempFileName()
        try {
            [IO.File]::WriteAllText($private, $key.ExportPkcs8PrivateKeyPem())
            [IO.File]::WriteAllText($public, $key.ExportSubjectPublicKeyInfoPem())
            $signed = New-MProxyToken a.example -PrivateKey $private
            $asymmetric = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -PublicKey $public
            (Test-MProxyRelay $asymmetric.Listen[0] -Token $signed).TokenAccepted | Should -BeTrue
            (Test-MProxyRelay $asymmetric.Listen[0] -Token $token).TokenAccepted | Should -BeFalse
            $asymmetric | Stop-MProxyRelay
            { New-MProxyToken a.example -PrivateKey $public } | Should -Throw -ErrorId 'InvalidToken,MProxy.Commands.NewMProxyTokenCommand'
        }
        finally {
            [IO.File]::Delete($private)
            [IO.File]::Delete($public)
        }
    }

    It 'ends the clients of a token that is deleted' {
        $link = Connect-MProxyRelay $relay.Listen[0] -Name token-deleted
        (Send-MProxyControl $link add_token -Token $wrong).Code | Should -Be 'E_INVALID_TOKEN'
        (Send-MProxyControl $link add_token -Token $token).Success | Should -BeTrue
        (Send-MProxyControl $link auth -Token $token).Success | Should -BeTrue
        $null = Receive-MProxyFrame $link -Timeout 0.01
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $port)
        $stream = $client.GetStream()
        (Receive-MProxyFrame $link -Count 1 -Timeout 20).Kind | Should -Be 'Connection'
        (Send-MProxyControl $link delete_token -Token $wrong).Code | Should -Be 'E_INVALID_TOKEN'
        (Send-MProxyControl $link delete_token -Token $token).Success | Should -BeTrue
        (Receive-MProxyFrame $link -Count 1 -Timeout 20).Code | Should -Be 'E_NOT_GRANTED'
        { $stream.ReadExactly([byte[]]::new(1), 0, 1) } | Should -Throw
        (Send-MProxyControl $link add_token -Token $token).Success | Should -BeTrue
        (Send-MProxyControl $link delete_token '*').Success | Should -BeTrue
        $client.Dispose()
        $link | Disconnect-MProxyRelay
    }

    It 'ends the clients of a token that expires' {
        $brief = New-MProxyToken -Port $port -ExpiresIn 0:0:2 -Secret $secret
        $link = Connect-MProxyRelay $relay.Listen[0] -Token $brief -Name token-expiring
        $null = Receive-MProxyFrame $link -Timeout 0.01
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $port)
        (Receive-MProxyFrame $link -Count 1 -Timeout 20).Kind | Should -Be 'Connection'
        (Receive-MProxyFrame $link -Count 1 -Timeout 20).Code | Should -Be 'E_NOT_GRANTED'
        $client.Dispose()
        $link | Disconnect-MProxyRelay
    }

    It 'opens a granted port only while a device is there for it' {
        $probe = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $probe.Start()
        $free = $probe.LocalEndpoint.Port
        $probe.Stop()
        $giving = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -GrantedPort $free -Secret $secret
        $giving.OpenPort | Should -BeNullOrEmpty
        $link = Connect-MProxyRelay $giving.Listen[0] -Token (New-MProxyToken -Port 0 -Secret $secret)
        $link.Grants[0].Ports[0], $giving.OpenPort[0] | Should -Be $free, $free
        (Send-MProxyControl $link delete_token '*').Success | Should -BeTrue
        $giving.OpenPort | Should -BeNullOrEmpty
        $link | Disconnect-MProxyRelay
        $giving | Stop-MProxyRelay
    }

    It 'gives a token as text only when asked' {
        (New-MProxyToken a.example -Secret $secret) -is [securestring] | Should -BeTrue
        New-MProxyToken a.example -Secret $secret -AsPlainText | Should -BeLike 'ey*.*.*'
        (@([pscustomobject]@{ Domain = 'a.example'; Id = 'one' }, [pscustomobject]@{ Port = 1; Id = 'two' }) | New-MProxyToken -Secret $secret).Count | Should -Be 2
    }

    It 'refuses a domain that is no name at its parameter' {
        $refusal = try { New-MProxyToken a.example, 'b c' -Secret $secret } catch { $_ }
        $refusal.FullyQualifiedErrorId | Should -Be 'ParameterArgumentValidationError,MProxy.Commands.NewMProxyTokenCommand'
        $refusal.Exception.Message | Should -BeLike "*parameter 'Domain'*The domain 'b c' is no DNS name*"
    }

    It 'shows no token and no secret in any message' {
        $text = New-MProxyToken a.example -Secret $secret -AsPlainText
        $bad = New-MProxyToken a.example -Secret (Get-RandomSecret) -AsPlainText
        $plain = { param($Text) [Net.NetworkCredential]::new('', $Text).SecurePassword }
        $messages = @(& {
                $noisy = Start-MProxyRelay -Listen tcp://127.0.0.1:0, ws://127.0.0.1:0 -Secret $secret -Verbose -Debug
                $noisy
                $link = Connect-MProxyRelay $noisy.Listen[0] -Token (& $plain $text) -Verbose -Debug
                $link
                try { Connect-MProxyRelay $noisy.Listen[0] -Token (& $plain $bad) -Verbose -Debug } catch { $_ }
                try { Connect-MProxyRelay "$($noisy.Listen[1])?access_token=$bad" -Verbose -Debug } catch { $_ }
                try { Connect-MProxyRelay "http://127.0.0.1:1/?access_token=$bad" } catch { $_ }
                try { Start-MProxyTunnel $noisy.Listen[0] -Service tcp=127.0.0.1:9 -Token (& $plain $bad) -Verbose -Debug } catch { $_ }
                Test-MProxyRelay $noisy.Listen[0] -Token (& $plain $bad) -Verbose -Debug
                Send-MProxyControl $link add_token -Token (& $plain $bad) -Verbose -Debug
                Send-MProxyControl $link delete_token -Token (& $plain $bad) -Verbose -Debug
                try { New-MProxyToken a.example -Secret (& $plain 'too-short-to-be-a-secret') } catch { $_ }
                $link | Disconnect-MProxyRelay -Verbose -Debug
                $noisy | Stop-MProxyRelay -Verbose -Debug
            } *>&1)
        $messages.Count -gt 12 | Should -BeTrue
        $all = foreach ($message in $messages) {
            "$message"
            if ($message -is [Management.Automation.ErrorRecord]) { "$($message.Exception) $($message.CategoryInfo) $($message.TargetObject) $($message.ErrorDetails.RecommendedAction)" }
            foreach ($property in [psobject]::AsPSObject($message).Properties) { "$($property.Value)" }
        }
        foreach ($hidden in $text, $bad, $text.Split('.')[2], $bad.Split('.')[2], 'too-short-to-be-a-secret', [Net.NetworkCredential]::new('', $secret).Password) {
            @($all | Where-Object { $_.Contains($hidden) }).Count | Should -Be 0
        }
    }
}

Describe 'Test-MProxyRelay' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $secret = [Net.NetworkCredential]::new('', [Convert]::ToHexString([Security.Cryptography.RandomNumberGenerator]::GetBytes(32))).SecurePassword
        $other = [Net.NetworkCredential]::new('', [Convert]::ToHexString([Security.Cryptography.RandomNumberGenerator]::GetBytes(32))).SecurePassword
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Secret $secret -Name tested-relay
    }

    AfterAll {
        Disconnect-MProxyRelay -Name tested-* -DrainTimeout 0
        Stop-MProxyRelay -Name tested-*
    }

    It 'finds a good relay' {
        $result = @(Test-MProxyRelay $relay.Listen[0] -Token (New-MProxyToken a.example -Secret $secret))
        $result.Count | Should -Be 1
        $result[0].Success, $result[0].Reachable, $result[0].Hello, $result[0].TokenAccepted, $result[0].Message | Should -Be $true, $true, $true, $true, $null
        $result[0].RoundTrip -gt [timespan]::Zero | Should -BeTrue
        "$($result[0].RelayUri)" | Should -Be "$($relay.Listen[0])"
        (Test-MProxyRelay $relay.Listen[0]).TokenAccepted | Should -BeNullOrEmpty
    }

    It 'finds nobody' {
        $result = @(Test-MProxyRelay tcp://127.0.0.1:1 -ConnectTimeout 5)
        $result.Count | Should -Be 1
        $result[0].Success, $result[0].Reachable, $result[0].Hello, $result[0].TokenAccepted | Should -Be $false, $false, $false, $null
        $result[0].Message | Should -BeLike '*nobody listens*'
    }

    It 'finds somebody who is no relay' {
        $silent = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $silent.Start()
        $result = @(Test-MProxyRelay "tcp://$($silent.LocalEndpoint)" -ConnectTimeout 1)
        $result.Count | Should -Be 1
        $result[0].Success, $result[0].Reachable, $result[0].Hello | Should -Be $false, $true, $false
        $result[0].Message | Should -BeLike '*did not greet*'
        $silent.Stop()
    }

    It 'finds that a token does not hold' {
        $result = @(Test-MProxyRelay $relay.Listen[0] -Token (New-MProxyToken a.example -Secret $other))
        $result.Count | Should -Be 1
        $result[0].Success, $result[0].Reachable, $result[0].Hello, $result[0].TokenAccepted | Should -Be $false, $true, $true, $false
        $result[0].Message | Should -BeLike '*signature*'
    }

    It 'tries several, from the pipeline too' {
        (Test-MProxyRelay tcp://127.0.0.1:1, $relay.Listen[0] | ForEach-Object { $_.Success }) | Should -Be $false, $true
        ('tcp://127.0.0.1:1', "$($relay.Listen[0])" | Test-MProxyRelay | ForEach-Object { $_.Success }) | Should -Be $false, $true
    }

    It 'takes the address from an object that has one' {
        (@([pscustomobject]@{ RelayUri = "$($relay.Listen[0])" }, [pscustomobject]@{ Relay = 'tcp://127.0.0.1:1' }) | Test-MProxyRelay | ForEach-Object { $_.Success }) | Should -Be $true, $false
        $link = Connect-MProxyRelay $relay.Listen[0] -Name tested-piped
        ($link | Test-MProxyRelay).Success | Should -BeTrue
        $link | Disconnect-MProxyRelay
    }

    It 'leaves a device alone that has the same token id' {
        $first = New-MProxyToken a.example -Id tested-7 -Secret $secret
        $second = New-MProxyToken b.example -Id tested-7 -Secret $secret
        $link = Connect-MProxyRelay $relay.Listen[0] -Token $first -Name tested-live
        $before = $link.SocketId
        foreach ($token in $first, $second) { (Test-MProxyRelay $relay.Listen[0] -Token $token).TokenAccepted | Should -BeTrue }
        [Threading.Thread]::Sleep(200)
        ($link | Send-MProxyControl -Command ping).Success | Should -BeTrue
        $link.State, $link.SocketId | Should -Be 'Connected', $before
        "$($link.Grants)" | Should -Be 'https a.example'
        $link | Disconnect-MProxyRelay
    }

    It 'warns of a token that goes out unencrypted' {
        # Refused for its pin, once the warning is out: nobody is dialled.
        function Get-Warning {
            param([string] $Relay, [hashtable] $More = @{ })
            try { Test-MProxyRelay $Relay @More -Thumbprint ('A' * 64) -WarningVariable warnings -WarningAction SilentlyContinue } catch { $failure = $_.FullyQualifiedErrorId }
            $failure | Should -Be 'InvalidOption,MProxy.Commands.TestMProxyRelayCommand'
            "$warnings"
        }
        Get-Warning tcp://relay.example:9 @{ Token = New-MProxyToken a.example -Secret $secret } | Should -BeLike '*tcp://relay.example:9 unencrypted*'
        Get-Warning 'ws://relay.example/link?access_token=abc' | Should -BeLike '*ws://relay.example/link[?]access_token=[*][*][*] unencrypted*'
        Get-Warning ws://relay.example/link @{ Header = @{ authorization = 'abc' } } | Should -BeLike '*unencrypted*'

        # Nothing to tell, or nobody on the way.
        Get-Warning ws://relay.example/link @{ Header = @{ 'X-Test' = 'abc' } } | Should -BeNullOrEmpty
        Get-Warning 'ws://127.0.0.1:1/?access_token=abc' | Should -BeNullOrEmpty
    }
}

Describe 'A carrier' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $folder = [IO.Path]::Combine([IO.Path]::GetTempPath(), [Guid]::NewGuid().ToString('n').Substring(0, 8))
        $null = [IO.Directory]::CreateDirectory($folder)
        $password = [Net.NetworkCredential]::new('', [Guid]::NewGuid().ToString('n')).SecurePassword
        function Export-Certificate {
            param([string] $Name)
            $key = [Security.Cryptography.RSA]::Create(2048)
            $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new(
                "CN=$Name", $key, [Security.Cryptography.HashAlgorithmName]::SHA256, [Security.Cryptography.RSASignaturePadding]::Pkcs1)
            $names = [Security.Cryptography.X509Certificates.SubjectAlternativeNameBuilder]::new()
            $names.AddIpAddress([Net.IPAddress]::Loopback)
            $request.CertificateExtensions.Add($names.Build($false))
            $certificate = $request.CreateSelfSigned([DateTimeOffset]::UtcNow.AddDays(-1), [DateTimeOffset]::UtcNow.AddDays(1))
            [IO.File]::WriteAllBytes([IO.Path]::Combine($folder, "$Name.pfx"), $certificate.Export('Pfx', $password))
            [IO.File]::WriteAllText([IO.Path]::Combine($folder, "$Name.pem"), $certificate.ExportCertificatePem())
            [IO.File]::WriteAllText([IO.Path]::Combine($folder, "$Name.key"), $key.ExportPkcs8PrivateKeyPem())
            $certificate.GetCertHashString('SHA256')
        }
        $pin = Export-Certificate relay
        $pfx = @{ CertificatePath = [IO.Path]::Combine($folder, 'relay.pfx'); CertificatePassword = $password }
        $pem = @{ CertificatePath = [IO.Path]::Combine($folder, 'relay.pem'); CertificateKeyPath = [IO.Path]::Combine($folder, 'relay.key') }
    }

    AfterAll {
        [IO.Directory]::Delete($folder, $true)
    }

    It 'is tls with a certificate that is pinned' {
        $relay = Start-MProxyRelay -Listen tls://127.0.0.1:0 @pfx
        $link = Connect-MProxyRelay $relay.Listen[0] -Thumbprint $pin
        $link.Carrier, $link.Thumbprint | Should -Be 'tls', $pin
        $link.TlsProtocol | Should -BeLike 'Tls1*'
        $link | Disconnect-MProxyRelay
        { Connect-MProxyRelay $relay.Listen[0] } | Should -Throw '*not trusted*' -ErrorId 'ConnectFailed,MProxy.Commands.ConnectMProxyRelayCommand'
        { Connect-MProxyRelay $relay.Listen[0] -Thumbprint ('A' * 64) -SkipCertificateCheck -WarningAction SilentlyContinue } |
            Should -Throw '*pinned*' -ErrorId 'ConnectFailed,MProxy.Commands.ConnectMProxyRelayCommand'
        $relay | Stop-MProxyRelay
    }

    It 'warns where a certificate is not checked' {
        $relay = Start-MProxyRelay -Listen tls://127.0.0.1:0 @pem
        $warnings = $null
        $link = Connect-MProxyRelay $relay.Listen[0] -SkipCertificateCheck -WarningVariable warnings -WarningAction SilentlyContinue
        $link.State | Should -Be 'Connected'
        "$warnings" | Should -BeLike '*-Thumbprint*'
        $link | Disconnect-MProxyRelay
        $relay | Stop-MProxyRelay
    }

    It 'warns where any trusted certificate makes a device of a stranger' {
        $pinned, $open = @{ ClientThumbprint = $pin }, @{ Listen = 'tls://0.0.0.0:0'; RequireClientCertificate = $true }
        foreach ($case in @(@{}, 1), @($pinned, 0), @(@{ Secret = $password }, 0), @(@{ Listen = 'tls://127.0.0.1:0' }, 0)) {
            $options, $warnings = ($open + $pem), $null
            foreach ($key in $case[0].Keys) { $options[$key] = $case[0][$key] }
            $relay = Start-MProxyRelay @options -WarningVariable warnings -WarningAction SilentlyContinue
            @($warnings | Where-Object { "$_" -like '*-ClientThumbprint*' }).Count | Should -Be $case[1]
            $relay | Stop-MProxyRelay
        }
        $warnings = $null
        $relay = Start-MProxyRelay @open @pem @pinned
        $relay | Set-MProxyRelay -ClientThumbprint @() -WarningVariable warnings -WarningAction SilentlyContinue
        "$warnings" | Should -BeLike '*-ClientThumbprint*'
        $relay | Set-MProxyRelay -HandshakeTimeout 5 -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings | Should -BeNullOrEmpty
        $relay | Stop-MProxyRelay
    }

    It 'is wss, and asks devices for a certificate' {
        $mine = Export-Certificate device
        $relay = Start-MProxyRelay -Listen wss://127.0.0.1:0 @pem -ClientThumbprint $mine
        $own = @{ CertificatePath = [IO.Path]::Combine($folder, 'device.pfx'); CertificatePassword = $password }
        $result = Test-MProxyRelay $relay.Listen[0] -Thumbprint $pin @own
        $result.Success, $result.Thumbprint | Should -Be $true, $pin
        (Test-MProxyRelay $relay.Listen[0] -Thumbprint $pin -ConnectTimeout 5).Success | Should -BeFalse
        { Start-MProxyRelay -Listen tcp://127.0.0.1:0 -ClientThumbprint $mine } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyRelayCommand'
        $relay | Stop-MProxyRelay
    }

    It 'tells a certificate that cannot be used' {
        { Start-MProxyRelay -Listen tls://127.0.0.1:0 } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyRelay -Listen tls://127.0.0.1:0 -CertificatePath $pfx.CertificatePath } | Should -Throw '*password*' -ErrorId 'InvalidCertificate,MProxy.Commands.StartMProxyRelayCommand'
        { Start-MProxyRelay -Listen tls://127.0.0.1:0 -CertificatePath $pem.CertificatePath } | Should -Throw '*private key*' -ErrorId 'InvalidCertificate,MProxy.Commands.StartMProxyRelayCommand'
    }

    It 'is ws with a path' {
        $relay = Start-MProxyRelay -Listen ws://127.0.0.1:0/link
        $link = Connect-MProxyRelay $relay.Listen[0] -Header @{ 'X-Test' = 'yes' } -NoProxy
        $link.Carrier, $link.RelayUri.PathAndQuery | Should -Be 'ws', '/link'
        ($link | Send-MProxyControl -Command ping).Success | Should -BeTrue
        $link | Disconnect-MProxyRelay
        (Test-MProxyRelay "ws://127.0.0.1:$($relay.Listen[0].Port)/other" -NoProxy).Message | Should -BeLike '*404*'
        $relay | Stop-MProxyRelay
    }

    It 'is a unix socket' {
        $path = [IO.Path]::Combine($folder, 'link.sock').Replace('\', '/')
        $uri = "unix://$(if (-not $path.StartsWith('/')) { '/' })$path"
        $relay = Start-MProxyRelay -Listen $uri
        $link = Connect-MProxyRelay $uri
        $link.Carrier, $link.SocketId, $link.State | Should -Be 'unix', $null, 'Connected'
        $link | Disconnect-MProxyRelay
        $relay | Stop-MProxyRelay
        [IO.File]::Exists($path) | Should -BeFalse
    }

    It 'is any stream' {
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $near = [Net.Sockets.TcpClient]::new('127.0.0.1', $listener.LocalEndpoint.Port)
        $far = $listener.AcceptTcpClient()
        $relay = Start-MProxyRelay -Stream $far.GetStream() -TcpPort 0
        { Connect-MProxyRelay -Stream $near.GetStream() -Thumbprint ('0' * 64) } | Should -Throw -ErrorId 'InvalidOption,MProxy.Commands.ConnectMProxyRelayCommand'
        $link = Connect-MProxyRelay -Stream $near.GetStream()
        $link.Carrier, $link.RelayUri, $link.State | Should -Be 'stream', $null, 'Connected'
        $null = Receive-MProxyFrame $link -Timeout 0.01
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        (Receive-MProxyFrame $link -Count 1 -Timeout 20).Kind | Should -Be 'Connection'
        $client.Dispose()
        $relay | Stop-MProxyRelay -DrainTimeout 0

        # It cannot be dialled again: what is left is the client's end, then the link's.
        @(Receive-MProxyFrame $link -Timeout 20).Count -le 2 | Should -BeTrue
        $link.State | Should -Be 'Stopped'
        $link | Disconnect-MProxyRelay
        $near.Dispose(); $far.Dispose(); $listener.Stop()
    }
}
