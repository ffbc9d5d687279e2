Describe 'Help' {
    BeforeAll {
        $root = [IO.Path]::GetDirectoryName($PSScriptRoot)
        Import-Module ([IO.Path]::Combine($root, 'MProxy.psd1'))
        $commands = Get-Command -Module MProxy
    }

    It 'has a page, a synopsis, two examples and every parameter for each cmdlet' {
        $commands.Count | Should -Be 9
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
                $code = ($example.introduction.Text + $example.code -join "`n") -split "`n`n"
                $path = $ExecutionContext.SessionState.Path
                $before = $path.CurrentLocation.Path
                $null = $path.SetLocation($root)
                try { $null = & ([scriptblock]::Create($code[0])) } finally { $null = $path.SetLocation($before) }
            }
        }
        Get-MProxyRelay | Should -BeNullOrEmpty
        Get-MProxyTunnel | Should -BeNullOrEmpty
    }
}

Describe 'The cmdlets' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
    }

    It 'have approved verbs, and say what they return' {
        foreach ($command in Get-Command -Module MProxy) {
            @('ConvertFrom', 'ConvertTo', 'Get', 'Start', 'Stop') -contains $command.Verb | Should -BeTrue
            $command.OutputType.Count -gt 0 | Should -BeTrue
        }
    }

    It 'complete services and names' {
        $line = 'ConvertTo-MProxyFrame -Service ht'
        $found = [Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches
        ($found | ForEach-Object { $_.CompletionText }) | Should -Be 'http', 'https'

        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name completed
        $line = 'Stop-MProxyRelay -Name comp'
        $found = [Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches
        @($found)[0].CompletionText | Should -Be 'completed'
        $relay | Stop-MProxyRelay
    }
}
