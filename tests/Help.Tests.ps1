[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'Help' {
    BeforeAll {
        $root = [IO.Path]::GetDirectoryName($PSScriptRoot)
        Import-Module ([IO.Path]::Combine($root, 'MProxy.psd1'))
        $commands = Get-Command -Module MProxy
    }

    It 'has a page, a synopsis, two examples and every parameter for each cmdlet' {
        $commands.Count | Should -Be 25
        foreach ($command in $commands) {
            [IO.File]::Exists([IO.Path]::Combine($root, 'docs', 'en-US', "$($command.Name).md")) | Should -BeTrue
            $help = Get-Help $command.Name -Full
            $help.Synopsis.Trim().EndsWith('.') | Should -BeTrue
            (@($help.examples.example).Count -ge 2) | Should -BeTrue
            foreach ($parameter in $help.parameters.parameter) {
                "$($command.Name) -$($parameter.name): $($parameter.description.Text)" | Should -BeLike '*: ?*'
            }
            $described = @($help.parameters.parameter.name)
            foreach ($parameter in $command.Parameters.Values) {
                if ([Management.Automation.Cmdlet]::CommonParameters -contains $parameter.Name) { continue }
                "$($command.Name): $(@($described) -contains $parameter.Name) $($parameter.Name)" | Should -Be "$($command.Name): True $($parameter.Name)"
            }
        }
    }

    It 'has examples that run' {
        foreach ($command in $commands) {
            foreach ($example in (Get-Help $command.Name -Full).examples.example) {
                $code = $example.code -replace "`r" -split "`n`n"
                $path = $ExecutionContext.SessionState.Path
                $before = $path.CurrentLocation.Path
                $null = $path.SetLocation($root)
                try { $null = & ([scriptblock]::Create($code[0])) } finally { $null = $path.SetLocation($before) }
            }
        }
        Get-MProxyRelay | Should -BeNullOrEmpty
        Get-MProxyTunnel | Should -BeNullOrEmpty
        $failures = $null
        Disconnect-MProxyRelay -Name link1, link2, watched -ErrorAction SilentlyContinue -ErrorVariable failures
        @($failures).Count | Should -Be 3
    }

    It 'says the same in the pages, in what Get-Help reads, and of the cmdlets as they are' {
        $maml = [xml]::new()
        $maml.Load([IO.Path]::Combine($root, 'en-US', 'MProxy.dll-Help.xml'))
        $pages = @($maml.GetElementsByTagName('command:command'))
        @($pages | ForEach-Object { $_.details.name }) | Should -Be @($commands | ForEach-Object { $_.Name })
        $flat = { param($Text) (("$Text" -replace '\s+', ' ') -replace '\[([^\]]+)\]\([^)]+\)', '$1').Trim() }
        foreach ($command in $commands) {
            $page = [IO.File]::ReadAllText([IO.Path]::Combine($root, 'docs', 'en-US', "$($command.Name).md")) -replace "`r"
            $page | Should -Not -BeLike '*{{*'
            $part = @{}
            foreach ($section in $page -split '(?m)^## ') { $part[($section -split "`n", 2)[0]] = ($section -split "`n", 2)[1] }
            $compiled = $pages | Where-Object { $_.details.name -eq $command.Name }
            & $flat $compiled.details.description.para | Should -BeExactly (& $flat $part['SYNOPSIS'])
            & $flat ($compiled.description.para -join ' ') | Should -BeExactly (& $flat $part['DESCRIPTION'])

            $described = [ordered] @{}
            foreach ($section in ($part['PARAMETERS'] -split '(?m)^### ' -like '-*')) {
                $name, $text = $section.Substring(1) -split "`n", 2
                $described[$name] = & $flat ($text -split '```')[0]
                "$($command.Name) $name $($text -match "(?m)^Type: $([regex]::Escape($command.Parameters[$name].ParameterType.ToString()))`$")" | Should -Be "$($command.Name) $name True"
            }
            $own = $command.Parameters.Keys | Where-Object { [Management.Automation.Cmdlet]::CommonParameters -notcontains $_ }
            @($described.Keys) | Should -Be @([Linq.Enumerable]::Order([string[]] $own))
            # Not .Count: a parameter has that name.
            @($compiled.parameters.parameter).Count | Should -Be @($described.Keys).Count
            foreach ($parameter in $compiled.parameters.parameter) {
                "$($command.Name) -$($parameter.name): $(& $flat ($parameter.description.para -join ' '))" |
                    Should -BeExactly "$($command.Name) -$($parameter.name): $($described[$parameter.name])"
            }

            $examples = foreach ($section in $part['EXAMPLES'] -split '(?m)^### ' | Where-Object { $_.Contains('```') }) { & $flat ($section -split '```powershell|```')[1] }
            @($compiled.examples.example | ForEach-Object { & $flat $_.code }) | Should -BeExactly @($examples)
            foreach ($link in [regex]::Matches($part['RELATED LINKS'], '\]\(([^)]+)\)')) {
                $file = [IO.Path]::Combine($root, 'docs', 'en-US', $link.Groups[1].Value)
                "$file $([IO.File]::Exists($file))" | Should -Be "$file True"
            }
        }
    }

    It 'names the defaults that the cmdlets have' {
        $checked = 0
        foreach ($command in $commands) {
            $page = [IO.File]::ReadAllText([IO.Path]::Combine($root, 'docs', 'en-US', "$($command.Name).md")) -replace "`r"
            $cmdlet = $command.ImplementingType::new()
            foreach ($found in [regex]::Matches($page, "(?m)^### -(\w+)\n[^``]+``````yaml\nType: .+\nDefaultValue: '(.+)'$")) {
                $name, $told = $found.Groups[1].Value, $found.Groups[2].Value
                $checked++
                # The wait before a probe depends on the side.
                if ($name -ne 'ProbeAfter') { "$($command.Name) $name $($cmdlet.$name)" | Should -Be "$($command.Name) $name $told" }
            }
        }
        $checked -gt 30 | Should -BeTrue
    }

    It 'has topics that name each other' {
        $topics = [IO.Directory]::GetFiles([IO.Path]::Combine($root, 'en-US'), 'about_*.help.txt') | ForEach-Object { [IO.Path]::GetFileName($_) -replace '\.help\.txt' }
        $topics.Count | Should -Be 8
        foreach ($topic in $topics) {
            $lines = [IO.File]::ReadAllLines([IO.Path]::Combine($root, 'en-US', "$topic.help.txt"))
            $lines[1].Trim() | Should -Be $topic
            @($lines | Where-Object { $_.Length -gt 120 }).Count | Should -Be 0
            foreach ($found in [regex]::Matches($lines -join "`n", 'about_MProxy\w*|(?<=\s)[A-Z][a-z]+-MProxy[A-Z]\w+')) {
                $known = $commands.Name -contains $found.Value -or [IO.File]::Exists([IO.Path]::Combine($root, 'en-US', "$($found.Value).help.txt"))
                "$topic $($found.Value) $known" | Should -Be "$topic $($found.Value) True"
            }
        }
    }

    It 'has a topic with every error id and every code, and no other' {
        $topic = [IO.File]::ReadAllText([IO.Path]::Combine($root, 'en-US', 'about_MProxy_Errors.help.txt')) -replace "`r"
        $ids = [Enum]::GetNames($commands[0].ImplementingType.Assembly.GetType('MProxy.Internal.ErrorId'))
        $told = [regex]::Matches($topic, '(?m)^        ([A-Z][A-Za-z]+)(?=  |$)') | ForEach-Object { $_.Groups[1].Value }
        [Collections.Generic.SortedSet[string]]::new([string[]] $told) -join "`n" | Should -Be ([Collections.Generic.SortedSet[string]]::new([string[]] $ids) -join "`n")

        $codes = [MProxy.Engine.Link.ErrorCode].GetFields() | ForEach-Object { $_.GetRawConstantValue() }
        $told = [regex]::Matches($topic, '(?m)^        (E_[A-Z_]+)  ') | ForEach-Object { $_.Groups[1].Value }
        [Collections.Generic.SortedSet[string]]::new([string[]] $told) -join "`n" | Should -Be ([Collections.Generic.SortedSet[string]]::new([string[]] $codes) -join "`n")

        foreach ($page in [IO.Directory]::GetFiles([IO.Path]::Combine($root, 'docs', 'en-US'), '*.md')) {
            foreach ($found in [regex]::Matches([IO.File]::ReadAllText($page), '(?<=the error )[A-Z]\w+')) {
                "$page $($found.Value) $($ids -contains $found.Value)" | Should -Be "$page $($found.Value) True"
            }
        }
    }

    It 'shows no secret on a command line' {
        foreach ($page in [IO.Directory]::GetFiles([IO.Path]::Combine($root, 'docs', 'en-US'), '*.md')) {
            $shows = [IO.File]::ReadAllText($page) -match '-(Secret|Token|CertificatePassword) [''"]|access_token=|Bearer '
            "$page $shows" | Should -Be "$page False"
        }
    }
}

Describe 'The cmdlets' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $complete = { param($Line) @([Management.Automation.CommandCompletion]::CompleteInput($Line, $Line.Length, $null).CompletionMatches.CompletionText) }
    }

    It 'have approved verbs, and say what they return' {
        foreach ($command in Get-Command -Module MProxy) {
            @('Connect', 'ConvertFrom', 'ConvertTo', 'Disconnect', 'Get', 'New', 'Receive', 'Resume', 'Send', 'Set', 'Start', 'Stop', 'Suspend', 'Test', 'Wait') -contains $command.Verb | Should -BeTrue
            $command.OutputType.Count -gt 0 | Should -BeTrue
        }
    }

    It 'complete the services that listen on this machine' {
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $port = $listener.LocalEndpoint.Port
        try {
            foreach ($line in 'Start-MProxyTunnel -Service ', 'Set-MProxyTunnel -Service ', 'Start-MProxyTunnel tcp://a:1 tcp=loc') {
                "$line $((& $complete $line) -contains "tcp=localhost:$port")" | Should -Be "$line True"
            }
            (& $complete 'Start-MProxyTunnel -Service https=') -contains "https=localhost:$port" | Should -BeTrue
        }
        finally { $listener.Stop() }
    }

    It 'complete services and names' {
        & $complete 'ConvertTo-MProxyFrame -Service ht' | Should -Be 'http', 'https'

        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name completed
        @(& $complete 'Stop-MProxyRelay -Name comp')[0] | Should -Be 'completed'
        $relay | Stop-MProxyRelay
    }

    It 'complete what is to be drained, and what is drained, of those that are named' {
        $secret = [Net.NetworkCredential]::new('', 'of tests alone, and 32 bytes long').SecurePassword
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Secret $secret -Name drain-relay
        $token = New-MProxyToken -Domain app.example, *.dev.example -Secret $secret
        $tunnel = Start-MProxyTunnel $relay.Listen[0] @{ tcp = '127.0.0.1:9'; http = '127.0.0.1:9' } -Token $token -Name drain-tunnel
        try {
            Set-MProxyTunnel drain-tunnel -DrainService tcp
            & $complete 'Set-MProxyTunnel drain-tunnel -DrainService ' | Should -Be 'http'
            & $complete 'Set-MProxyTunnel drain-tunnel -RestoreService ' | Should -Be 'tcp'
            $relay.GrantedName | Should -Be '*.dev.example', 'app.example'
            & $complete 'Set-MProxyRelay drain-r* -DrainName ' | Should -Be "'*.dev.example'", "$($relay.TcpPort[0])", 'app.example'
            Set-MProxyRelay drain-relay -DrainName app.example
            & $complete 'Set-MProxyRelay drain-relay -RestoreName ' | Should -Be 'app.example'
            (& $complete 'Set-MProxyRelay drain-relay -DrainName app') -contains 'app.example' | Should -BeFalse
            (& $complete 'Set-MProxyRelay other -RestoreName app') -contains 'app.example' | Should -BeFalse
        }
        finally {
            $tunnel | Stop-MProxyTunnel
            $relay | Stop-MProxyRelay
        }
    }

    It 'complete limits and probes, as something that can be run' {
        $limits = & $complete 'Start-MProxyRelay -Limit '
        $limits -contains '@{ MaxClients = 10000 }' | Should -BeTrue
        foreach ($limit in $limits) { & ([scriptblock]::Create("Start-MProxyRelay tcp://127.0.0.1:0 -Limit $limit -WhatIf")) }
        & $complete 'Set-MProxyTunnel -HealthCheck ' | Should -Be 'tcp', 'http:/'
    }
}
