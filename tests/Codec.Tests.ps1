[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'ConvertTo-MProxyFrame' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $client = @{ Address = '203.0.113.9'; Port = 54321; Service = 'https'; ServicePort = 443; Name = 'example.com' }
    }

    It 'makes one frame of each chunk, and byte arrays stay whole' {
        $frames = (, [byte[]] (1, 2)), (, [byte[]] (3)) | ForEach-Object { , $_[0] } | ConvertTo-MProxyFrame @client
        $frames.Count | Should -Be 2
        $frames[0] -is [byte[]] | Should -BeTrue
        ($frames | ConvertFrom-MProxyStream | ForEach-Object { $_.Data.Length }) | Should -Be 2, 1
    }

    It 'gathers single bytes into one body, up to the limit' {
        ([byte[]] (1..10) | ConvertTo-MProxyFrame @client | ConvertFrom-MProxyStream).Length | Should -Be 10
        ([byte[]] (1..10) | ConvertTo-MProxyFrame @client -MaxFrameLength 4 | ForEach-Object { ConvertFrom-MProxyStream $_ } | ForEach-Object { $_.Length }) | Should -Be 4, 4, 2
    }

    It 'packs text as UTF-8, and JSON as JavaScript writes it' {
        [Text.Encoding]::UTF8.GetString(("$([char] 0xE9)" | ConvertTo-MProxyFrame @client | ConvertFrom-MProxyStream).Data) | Should -Be "$([char] 0xE9)"
        $json = [ordered] @{ a = 1; b = "<$([char] 0xE9)>", $true, $null, 1e21 }
        [Text.Encoding]::UTF8.GetString((ConvertTo-MProxyFrame -InputObject $json @client -AsJson | ConvertFrom-MProxyStream).Data) |
            Should -BeExactly ('{"a":1,"b":["<' + [char] 0xE9 + '>",true,null,1e+21]}')
        (ConvertTo-MProxyFrame -InputObject 0 @client -AsJson | ConvertFrom-MProxyStream).Length | Should -Be 0
    }

    It 'packs a control message, and reads it back' {
        $frame = ConvertTo-MProxyFrame -Kind Control -InputObject @(1, 'add_token', 'x') | ConvertFrom-MProxyStream
        $frame.Kind, $frame.SocketId | Should -Be 'Control', $null
        $frame.Control | Should -Be 1, 'add_token', 'x'
    }

    It 'packs an error, and reads it back' {
        $frame = ConvertTo-MProxyFrame -Kind Error @client -InputObject @{ message = 'gone'; code = 'E_NO_CONN' } | ConvertFrom-MProxyStream
        $frame.Message, $frame.Code | Should -Be 'gone', 'E_NO_CONN'
    }

    It 'packs a frame again to the same bytes' {
        foreach ($kind in 'Message', 'Connection', 'End', 'Error', 'Pause', 'Resume', 'Control') {
            $bytes = ConvertTo-MProxyFrame -Kind $kind @client -InputObject ([byte[]] (91, 93))
            $again = $bytes | ConvertFrom-MProxyStream | ConvertTo-MProxyFrame
            [Convert]::ToHexString($again) | Should -Be ([Convert]::ToHexString($bytes))
        }
    }

    It 'packs an address object' {
        $frame = [pscustomobject] @{ family = 'IPv6'; address = '::1'; port = '5'; service = 'tcp'; serviceport = 22 } | ConvertTo-MProxyFrame | ConvertFrom-MProxyStream
        $frame.SocketId, $frame.Service, $frame.ServicePort, $frame.Length | Should -Be 'IPv6,::1,5', 'tcp', 22, 0
    }

    It 'pads an empty body only when asked' {
        (ConvertTo-MProxyFrame -Kind End @client)[-1] | Should -Be ([byte][char] 'm')
        (ConvertTo-MProxyFrame -Kind End @client -LegacyPadding)[-1] | Should -Be 32
    }

    It 'gives one clear error for what cannot be packed' {
        { ConvertTo-MProxyFrame x -Address 1.2.3.4 -ErrorAction Stop } | Should -Throw -ErrorId 'MissingAddress,MProxy.Commands.ConvertToMProxyFrameCommand'
        { ConvertTo-MProxyFrame x -Address host -Port 1 -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidAddress,MProxy.Commands.ConvertToMProxyFrameCommand'
        { ConvertTo-MProxyFrame x -Address 1.2.3.4 -Port 65536 -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidPort,MProxy.Commands.ConvertToMProxyFrameCommand'
        { ConvertTo-MProxyFrame x -Address 1.2.3.4 -Port 1 -Name 'a,b' -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidName,MProxy.Commands.ConvertToMProxyFrameCommand'
        { ConvertTo-MProxyFrame x -Address 1.2.3.4 -Port 1 -Name ('n' * 300) -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidHeader,MProxy.Commands.ConvertToMProxyFrameCommand'
        { ConvertTo-MProxyFrame x -Address 1.2.3.4 -Port 1 -Service end -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidService,MProxy.Commands.ConvertToMProxyFrameCommand'
        { ConvertTo-MProxyFrame ([datetime]::Now) -Address 1.2.3.4 -Port 1 -ErrorAction Stop } | Should -Throw -ErrorId 'UnsupportedInput,MProxy.Commands.ConvertToMProxyFrameCommand'
        { ConvertTo-MProxyFrame xx -Address 1.2.3.4 -Port 1 -MaxFrameLength 1 -ErrorAction Stop } | Should -Throw -ErrorId 'FrameTooLong,MProxy.Commands.ConvertToMProxyFrameCommand'
    }
}

Describe 'ConvertFrom-MProxyStream' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $bytes = [byte[]] ('one', 'two', 'three' | ConvertTo-MProxyFrame -Address 1.2.3.4 -Port 5 -Service tcp | ForEach-Object { $_ })
    }

    It 'takes lists of bytes, as -ReadCount delivers them' {
        (@(, [object[]] $bytes) | ConvertFrom-MProxyStream | ForEach-Object { $_.Length }) | Should -Be 3, 3, 5
    }

    It 'takes a stream, and leaves it open' {
        $stream = [IO.MemoryStream]::new($bytes)
        (ConvertFrom-MProxyStream -InputObject $stream | ForEach-Object { $_.Offset })[1] | Should -Be ($bytes[1] + 2 + 3)
        $stream.CanRead | Should -BeTrue
    }

    It 'writes all good frames before it fails at a corrupt byte' {
        $seen = [Collections.Generic.List[object]]::new()
        $failure = $null
        try { ConvertFrom-MProxyStream -InputObject ([byte[]] ($bytes + 65 + $bytes)) | ForEach-Object { $seen.Add($_) } } catch { $failure = $_ }
        $seen.Count | Should -Be 3
        $failure.FullyQualifiedErrorId | Should -BeLike 'CorruptFrame,*'
        "$failure" | Should -BeLike "*byte offset $($bytes.Length)*"
    }

    It 'refuses what is not bytes, and frames over the limit' {
        { 'text' | ConvertFrom-MProxyStream } | Should -Throw -ErrorId 'UnsupportedInput,MProxy.Commands.ConvertFromMProxyStreamCommand'
        { ConvertFrom-MProxyStream -InputObject $bytes -MaxFrameLength 4 } | Should -Throw -ErrorId 'CorruptFrame,MProxy.Commands.ConvertFromMProxyStreamCommand'
        { ConvertFrom-MProxyStream -Path ([IO.Path]::Combine($PSScriptRoot, 'no-such-file')) -ErrorAction Stop } | Should -Throw -ErrorId 'FileUnavailable,MProxy.Commands.ConvertFromMProxyStreamCommand'
        { ConvertFrom-MProxyStream -LiteralPath ([IO.Path]::Combine($PSScriptRoot, 'no-such-file')) -ErrorAction Stop } | Should -Throw -ErrorId 'FileUnavailable,MProxy.Commands.ConvertFromMProxyStreamCommand'
    }

    It 'reads what old peers send when lenient' {
        $old = [byte[]] (@(254, 25) + [Text.Encoding]::ASCII.GetBytes('IPv4,1.2.3.4,5, 3,tcp,22,xyz'))
        { ConvertFrom-MProxyStream -InputObject $old } | Should -Throw -ErrorId 'CorruptFrame,MProxy.Commands.ConvertFromMProxyStreamCommand'
        (ConvertFrom-MProxyStream -InputObject $old -Lenient).Length | Should -Be 3
    }

    It 'skips bodies with -HeaderOnly' {
        (ConvertFrom-MProxyStream -InputObject $bytes -HeaderOnly | ForEach-Object { $_.Data.Length }) | Should -Be 0, 0, 0
    }
}

Describe 'Get-MProxySocketId' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
    }

    It 'takes endpoints and text' {
        Get-MProxySocketId '127.0.0.1:4321' | Should -Be 'IPv4,127.0.0.1,4321'
        Get-MProxySocketId '[::1]:5' | Should -Be 'IPv6,::1,5'
        [Net.IPEndPoint]::new([Net.IPAddress]::Parse('::ffff:10.0.0.1'), 7) | Get-MProxySocketId | Should -Be 'IPv4,10.0.0.1,7'
        [pscustomobject] @{ RemoteAddress = '10.0.0.2'; RemotePort = 8; LocalPort = 443 } | Get-MProxySocketId | Should -Be 'IPv4,10.0.0.2,8'
    }

    It 'takes connected sockets' {
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $near = [Net.Sockets.TcpClient]::new('127.0.0.1', $listener.LocalEndpoint.Port)
        $far = $listener.AcceptTcpClient()
        $id = $far | Get-MProxySocketId -AsObject
        $id.Family, $id.Address, $id.Port, $id.ServicePort | Should -Be 'IPv4', '127.0.0.1', $near.Client.LocalEndPoint.Port, $listener.LocalEndpoint.Port
        $near.Dispose(); $far.Dispose(); $listener.Stop()
    }

    It 'refuses what has no remote end' {
        { Get-MProxySocketId '127.0.0.1' -ErrorAction Stop } | Should -Throw -ErrorId 'UnsupportedInput,MProxy.Commands.GetMProxySocketIdCommand'
        { Get-MProxySocketId 12 -ErrorAction Stop } | Should -Throw -ErrorId 'UnsupportedInput,MProxy.Commands.GetMProxySocketIdCommand'
    }
}
