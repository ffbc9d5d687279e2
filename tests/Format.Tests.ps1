Describe 'The views' {
    BeforeAll {
        $root = [IO.Path]::GetDirectoryName($PSScriptRoot)
        Import-Module ([IO.Path]::Combine($root, 'MProxy.psd1'))
        $views = [xml]::new()
        $views.Load([IO.Path]::Combine($root, 'bin', 'MProxy.Format.ps1xml'))
        $types = @{}
        foreach ($assembly in [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { $_.GetName().Name -like 'MProxy*' -and $_.GetName().Name -ne 'MProxy.Tokens' }) {
            foreach ($type in $assembly.GetExportedTypes()) { $types[$type.FullName] = $type }
        }
    }

    It 'cover every type that a cmdlet returns' {
        $viewed = @($views.Configuration.ViewDefinitions.View | ForEach-Object { $_.ViewSelectedBy.TypeName })
        foreach ($command in Get-Command -Module MProxy) {
            foreach ($type in $command.OutputType) {
                # An enumeration is one word.
                if ($type.Name -like 'MProxy*' -and -not $types[$type.Name].IsEnum) { "$($type.Name) $($viewed -contains $type.Name)" | Should -Be "$($type.Name) True" }
            }
        }
        $viewed -contains 'MProxy.Event' | Should -BeTrue
        $viewed -contains 'MProxy.Engine.Device.ServiceGrant' | Should -BeTrue
    }

    It 'name properties that are there, and fit 120 columns' {
        foreach ($view in $views.Configuration.ViewDefinitions.View) {
            # Of a frame with more properties than it has by itself, the name of its kind stands behind that of its type.
            $type = $types[@($view.ViewSelectedBy.TypeName)[0].Split('#')[0]]
            $type | Should -Not -BeNullOrEmpty
            $added = @{ 'MProxy.Tunnel' = 'Name', 'State'; 'MProxy.Frame#Packet' = 'Time', 'Source', 'Destination' }[$view.Name]
            foreach ($property in $view.SelectNodes('.//PropertyName')) {
                "$($view.Name) $($property.InnerText) $($null -ne $type.GetProperty($property.InnerText) -or $added -contains $property.InnerText)" | Should -Be "$($view.Name) $($property.InnerText) True"
            }
            foreach ($script in $view.SelectNodes('.//ScriptBlock')) {
                foreach ($found in [regex]::Matches($script.InnerText, '\$_\.(\w+)')) {
                    $name = $found.Groups[1].Value
                    $known = $null -ne $type.GetProperty($name) -or $added -contains $name
                    "$($view.Name) $name $known" | Should -Be "$($view.Name) $name True"
                }
            }
            $headers = @($view.SelectNodes('.//TableColumnHeader'))
            if ($headers.Count) {
                $headers.Count | Should -Be @($view.SelectNodes('.//TableColumnItem')).Count
                $width = 0
                foreach ($header in $headers) { $width += 1 + [int] $header.Width }
                "$($view.Name) $($width -le 120)" | Should -Be "$($view.Name) True"
            }
        }
    }

    It 'have script blocks that run' {
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0
        $link = Connect-MProxyRelay $relay.Listen[0]
        $tunnel = $link | Start-MProxyTunnel -Service tcp=127.0.0.1:9
        $shown = @(
            $relay, $link, $tunnel
            Send-MProxyControl $link ping
            Test-MProxyRelay $relay.Listen[0]
        )
        foreach ($one in $shown) {
            foreach ($view in $views.Configuration.ViewDefinitions.View | Where-Object { @($_.ViewSelectedBy.TypeName) -contains $one.GetType().FullName }) {
                foreach ($script in $view.SelectNodes('.//ScriptBlock')) {
                    @($one | ForEach-Object ([scriptblock]::Create($script.InnerText))).Count | Should -Be 1
                }
            }
        }
        $tunnel | Stop-MProxyTunnel
        $link | Disconnect-MProxyRelay
        $relay | Stop-MProxyRelay
    }

    It 'show what a peer chose as plain text, and leave the properties as they came' {
        # Nothing that is text comes by itself where a peer may have chosen it.
        $local = 'Device', 'Owner'
        foreach ($view in $views.Configuration.ViewDefinitions.View | Where-Object { $_.Name -in 'MProxy.Frame', 'MProxy.ClientConnection', 'MProxy.SocketAddress' }) {
            $type = $types[@($view.ViewSelectedBy.TypeName)[0]]
            foreach ($property in $view.SelectNodes('.//PropertyName')) {
                $isText = $type.GetProperty($property.InnerText).PropertyType -in [string], [object]
                "$($view.Name) $($property.InnerText) $($isText -and $property.InnerText -notin $local)" | Should -Be "$($view.Name) $($property.InnerText) False"
            }
        }

        # DEL and C1 as well, which no frame of ours has.
        $evil = "$([char] 27)[2J$([char] 0x7F)$([char] 0x9B)"
        $frames = foreach ($header in "IPv4,$evil,5,0,$evil,80,$evil", "IPv4,$evil,5,0,connection,80,$evil,$evil") {
            $bytes = [Text.Encoding]::UTF8.GetBytes($header)
            ConvertFrom-MProxyStream ([byte[]] (@(254, $bytes.Length) + $bytes))
        }
        $frames += ConvertTo-MProxyFrame -Kind Error -Address 1.2.3.4 -Port 5 -InputObject @{ message = $evil; code = $evil } | ConvertFrom-MProxyStream
        $frames += ConvertTo-MProxyFrame -Kind Control -InputObject @(1, $evil) | ConvertFrom-MProxyStream
        $frames[0].Name, $frames[1].Service, $frames[2].Code | Should -Be $evil, $evil, $evil
        foreach ($frame in $frames) {
            foreach ($view in $views.Configuration.ViewDefinitions.View | Where-Object { $_.Name -eq 'MProxy.Frame' }) {
                foreach ($script in $view.SelectNodes('.//ScriptBlock')) {
                    $text = $frame | ForEach-Object ([scriptblock]::Create($script.InnerText))
                    "$($script.InnerText) $($text -match '\p{C}')" | Should -Be "$($script.InnerText) False"
                }
            }
        }
        [MProxy.Internal.Display]::Plain($null) | Should -BeExactly ''
        [MProxy.Internal.Display]::Json($null) | Should -BeExactly ''
        [MProxy.Internal.Display]::Json([ordered] @{ message = $evil; number = 5 }) | Should -BeExactly '{"message":"\u001b[2J  ","number":5}'
    }

    It 'show sizes in the unit that fits' {
        [MProxy.Internal.Display]::Size(0) | Should -BeExactly '0 B'
        [MProxy.Internal.Display]::Size(1023) | Should -BeExactly '1023 B'
        [MProxy.Internal.Display]::Size(1024) | Should -BeExactly '1.0 KiB'
        [MProxy.Internal.Display]::Size(1536) | Should -BeExactly '1.5 KiB'
        [MProxy.Internal.Display]::Size(1MB - 1) | Should -BeExactly '1.0 MiB'
        [MProxy.Internal.Display]::Size(2.5GB) | Should -BeExactly '2.5 GiB'
        [MProxy.Internal.Display]::Size([long]::MaxValue) | Should -BeExactly '8388608.0 TiB'
    }

    It 'show times in milliseconds, and nothing where there is none' {
        [MProxy.Internal.Display]::Milliseconds($null) | Should -BeExactly ''
        [MProxy.Internal.Display]::Milliseconds([timespan]::Zero) | Should -BeExactly '0.0 ms'
        [MProxy.Internal.Display]::Milliseconds([timespan]::FromTicks(8641)) | Should -BeExactly '0.9 ms'
        [MProxy.Internal.Display]::Milliseconds([timespan]::FromSeconds(0.09994)) | Should -BeExactly '99.9 ms'
        [MProxy.Internal.Display]::Milliseconds([timespan]::FromSeconds(0.1234)) | Should -BeExactly '123 ms'
    }
}
