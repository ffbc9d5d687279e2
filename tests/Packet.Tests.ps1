# Captures of packets, as tcpdump wrote them.
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'A capture of packets' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $vectors = [IO.Path]::Combine($PSScriptRoot, 'vectors')
        $capture = [IO.Path]::Combine($vectors, 'session.pcap')
        $temporary = [IO.Path]::GetTempFileName()
        $quiet = @{ ErrorAction = 'SilentlyContinue'; WarningAction = 'SilentlyContinue' }
    }

    AfterAll {
        [IO.File]::Delete($temporary)
    }

    It 'gives the frames of both ends with the time of each' {
        $frames = @(ConvertFrom-MProxyStream -PcapPath $capture)
        $frames.Count | Should -Be 14
        $frames[0].Control[1] | Should -Be 'hello'
        $frames[0].Source | Should -Be '127.0.0.1:5443'
        $frames[1].Destination | Should -Be '127.0.0.1:5443'
        ($frames | Where-Object Kind -EQ Connection).Service | Should -Be 'tcp', 'http'
        $said = ($frames | Where-Object Kind -EQ Message).Data
        [Text.Encoding]::ASCII.GetString($said[0..28]) | Should -Be "hello, service`nhello, client`n"
        ($frames | Where-Object Kind -EQ Error).Code | Should -Be 'E_NO_SERVICE'
        $frames[0].Time.ToUniversalTime().ToString('yyyy-MM-dd') | Should -Be '2026-11-29'
        $frames[0].Time -le $frames[-1].Time | Should -BeTrue
        $frames[0].pstypenames[0] | Should -Be 'MProxy.Frame#Packet'
    }

    It 'takes wildcards, and skips bodies' {
        $frames = @(ConvertFrom-MProxyStream -PcapPath ([IO.Path]::Combine($vectors, 'sess*.pcap')) -HeaderOnly -Port 5443, 1)
        $frames.Count | Should -Be 14
        @($frames | Where-Object { $_.Data.Count -gt 0 }).Count | Should -Be 0
        ($frames | Where-Object Kind -EQ Message)[0].Length | Should -Be 15
    }

    It 'packs again to the same bytes' {
        $frame = @(ConvertFrom-MProxyStream -PcapPath $capture | Where-Object Kind -EQ Message)[0]
        $again = $frame | ConvertTo-MProxyFrame | ConvertFrom-MProxyStream
        $again.SocketId | Should -Be $frame.SocketId
        $again.Data.Count | Should -Be 15
    }

    It 'says what there was where it has no link' {
        @(ConvertFrom-MProxyStream -PcapPath $capture -Port 443 -WarningVariable warned @quiet).Count | Should -Be 0
        "$warned" -match 'No frames were found' | Should -BeTrue
    }

    It 'is told apart from other files, by its first bytes' {
        $null = ConvertFrom-MProxyStream -PcapPath ([IO.Path]::Combine($vectors, 'output.bin')) -ErrorVariable problem @quiet
        $problem[0].FullyQualifiedErrorId | Should -Be 'InvalidPacketFile,MProxy.Commands.ConvertFromMProxyStreamCommand'
        "$($problem[0])" -match 'starts with FE' | Should -BeTrue
    }

    It 'that was cut short gives what is there, and one error' {
        $bytes = [IO.File]::ReadAllBytes($capture)
        [IO.File]::WriteAllBytes($temporary, $bytes[0..($bytes.Count - 10)])
        $frames = @(ConvertFrom-MProxyStream -PcapPath $temporary -ErrorVariable problem @quiet)
        $frames.Count | Should -Be 14
        @($problem).Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -Be 'InvalidPacketFile,MProxy.Commands.ConvertFromMProxyStreamCommand'
    }

    It 'that lacks packets says which link is not whole' {
        # All but the packet with the error of a client, whose body has that word.
        $bytes = [IO.File]::ReadAllBytes($capture)
        $at = 24
        $kept = [Collections.Generic.List[byte]]::new([byte[]] $bytes[0..23])
        while ($at -lt $bytes.Count) {
            $length = 16 + [BitConverter]::ToInt32($bytes, $at + 8)
            $packet = [byte[]] $bytes[$at..($at + $length - 1)]
            if ([Text.Encoding]::ASCII.GetString($packet) -notmatch 'message') { $kept.AddRange($packet) }
            $at += $length
        }
        [IO.File]::WriteAllBytes($temporary, $kept.ToArray())
        $null = ConvertFrom-MProxyStream -PcapPath $temporary -ErrorVariable problem @quiet
        $problem[0].FullyQualifiedErrorId | Should -Be 'UnreadableLink,MProxy.Commands.ConvertFromMProxyStreamCommand'
        "$($problem[0])" -match 'Bytes are missing' | Should -BeTrue
    }
}
