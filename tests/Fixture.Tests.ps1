# The bytes that the protocol's description and its reference package publish.
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'Published bytes' {
    BeforeAll {
        $root = [IO.Path]::GetDirectoryName($PSScriptRoot)
        Import-Module ([IO.Path]::Combine($root, 'MProxy.psd1'))
        $vectors = [IO.Path]::Combine($PSScriptRoot, 'vectors')
        $hello = [IO.File]::ReadAllBytes([IO.Path]::Combine($vectors, 'sni.hello.bin'))
        $output = [IO.File]::ReadAllBytes([IO.Path]::Combine($vectors, 'output.bin'))

        # The hex dump of the description: 254, 26, a header of five fields, then the ClientHello from index 0x1C.
        $dump = [byte[]] (@(0xFE, 0x1A) + [Text.Encoding]::ASCII.GetBytes('IPv4,127.0.1.1,443,199,foo') + $hello)
        $line = [byte[]] (@(254, 45) + [Text.Encoding]::ASCII.GetBytes('IPv4,127.0.1.1,4321,199,https,443,example.com'))
        $folder = [IO.Path]::Combine([IO.Path]::GetTempPath(), [Guid]::NewGuid().ToString('n'))
        $null = [IO.Directory]::CreateDirectory($folder)
    }

    AfterAll {
        [IO.Directory]::Delete($folder, $true)
    }

    It 'packs the 227 bytes of the hex dump' {
        $dump.Length | Should -Be 227
        $dump[0x1C] | Should -Be 22
        $frame = ConvertTo-MProxyFrame -InputObject $hello -Address 127.0.1.1 -Port 443 -Service foo -Compact
        [Convert]::ToHexString($frame) | Should -Be ([Convert]::ToHexString($dump))
    }

    It 'packs the same client with its empty fields by default' {
        $frame = ConvertTo-MProxyFrame -InputObject $hello -Address 127.0.1.1 -Port 443 -Service foo
        [Text.Encoding]::ASCII.GetString($frame, 2, $frame[1]) | Should -Be 'IPv4,127.0.1.1,443,199,foo,,'
    }

    It 'unpacks the hex dump' {
        $frame = ConvertFrom-MProxyStream -InputObject $dump
        $frame.Kind | Should -Be 'Message'
        $frame.SocketId | Should -Be 'IPv4,127.0.1.1,443'
        $frame.Service | Should -Be 'foo'
        $frame.Name | Should -BeNullOrEmpty
        [Convert]::ToHexString($frame.Data) | Should -Be ([Convert]::ToHexString($hello))
    }

    It 'unpacks the hex dump cut in two at every byte' {
        for ($cut = 1; $cut -lt $dump.Length; $cut++) {
            $frames = @(, [byte[]] $dump[0..($cut - 1)]), (, [byte[]] $dump[$cut..($dump.Length - 1)]) | ForEach-Object { , $_[0] } | ConvertFrom-MProxyStream
            @($frames).Count | Should -Be 1
            [Convert]::ToHexString($frames.Data) | Should -Be ([Convert]::ToHexString($hello))
        }
    }

    It 'unpacks the hex dump byte by byte' {
        $frame = $dump | ConvertFrom-MProxyStream
        $frame.Length | Should -Be 199
    }

    It 'tells what is missing where the hex dump is cut off' {
        for ($cut = 1; $cut -lt $dump.Length; $cut++) {
            $failures = $null
            $frame = ConvertFrom-MProxyStream -InputObject ([byte[]] $dump[0..($cut - 1)]) -ErrorVariable failures -ErrorAction SilentlyContinue
            $frame | Should -BeNullOrEmpty
            @($failures).Count | Should -Be 1
            $failures[0].FullyQualifiedErrorId | Should -BeLike 'IncompleteFrame,*'
            $missing = if ($cut -lt 2) { 1 } elseif ($cut -lt 28) { 28 - $cut } else { 227 - $cut }
            "$($failures[0])" | Should -BeLike "*byte offset 0: *$missing more byte(s)*"
        }
    }

    It 'packs the 45 bytes of the example header' {
        $frame = ConvertTo-MProxyFrame -InputObject $hello -Address 127.0.1.1 -Port 4321 -Service https -ServicePort 443 -Name example.com -HeaderOnly
        [Convert]::ToHexString($frame) | Should -Be ([Convert]::ToHexString($line))
    }

    It 'unpacks the example header' {
        $frame = ConvertFrom-MProxyStream -InputObject ([byte[]] ($line + $hello))
        $frame.Service, $frame.ServicePort, $frame.Name, $frame.Length | Should -Be 'https', 443, 'example.com', 199
    }

    It 'packs output.bin from its manifest' {
        $manifest = [IO.Path]::Combine($folder, 'input.json')
        [IO.File]::Copy([IO.Path]::Combine($vectors, 'sni.hello.bin'), [IO.Path]::Combine($folder, 'sni.hello.bin'))
        [IO.File]::WriteAllText($manifest, '{ "version": 1, "address": { "family": "IPv4", "address": "127.0.1.1", "port": 4321, "service": "https", "serviceport": 443, "name": "ignored.example" }, "filepath": "./sni.hello.bin" }')
        $frame = ConvertTo-MProxyFrame -ManifestPath $manifest
        [Convert]::ToHexString($frame) | Should -Be ([Convert]::ToHexString($output))

        $file = [IO.Path]::Combine($folder, 'output.bin')
        ConvertTo-MProxyFrame -ManifestPath $manifest -OutFile $file | Should -BeNullOrEmpty
        [Convert]::ToHexString([IO.File]::ReadAllBytes($file)) | Should -Be ([Convert]::ToHexString($output))

        (ConvertTo-MProxyFrame -ManifestPath $manifest -Name other.example | ConvertFrom-MProxyStream).Name | Should -Be 'other.example'
    }

    It 'says what is wrong with a manifest in single quotes' {
        $manifest = [IO.Path]::Combine($folder, 'single.json')
        [IO.File]::WriteAllText($manifest, "{ 'version': 1 }")
        { ConvertTo-MProxyFrame -ManifestPath $manifest } | Should -Throw -ErrorId 'InvalidManifest,MProxy.Commands.ConvertToMProxyFrameCommand'
    }

    It 'unpacks output.bin from its path' {
        $frame = ConvertFrom-MProxyStream -Path ([IO.Path]::Combine($vectors, 'output.b*'))
        $frame.Name | Should -Be 'pokemap.hellabit.com'
        $frame | Get-MProxySocketId | Should -Be 'IPv4,127.0.1.1,4321'
    }
}
