[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'The design of the cmdlets' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $commands = Get-Command -Module MProxy
        $common = [System.Management.Automation.Cmdlet]::CommonParameters + 'WhatIf', 'Confirm'
        $parameters = foreach ($command in $commands) {
            foreach ($parameter in $command.Parameters.Values) {
                if ($parameter.Name -notin $common) {
                    [pscustomobject] @{
                        Command = $command.Name
                        Name = $parameter.Name
                        Type = $parameter.ParameterType
                        Element = if ($parameter.ParameterType.IsArray) { $parameter.ParameterType.GetElementType() } else { [Nullable]::GetUnderlyingType($parameter.ParameterType) ?? $parameter.ParameterType }
                        Attributes = $parameter.Attributes
                    }
                }
            }
        }

        # What does not hold for a rule is named, so that a failure says which it is.
        function Test-Rule {
            param([object[]] $Of, [scriptblock] $Holds)
            $Of.Count -gt 0 | Should -BeTrue
            @($Of | Where-Object { -not (& $Holds $_) } | ForEach-Object { "$($_.Command)$(if ($_.Command) { ' -' })$($_.Name)" }) -join ', ' | Should -BeExactly ''
        }
    }

    It 'has approved verbs, and nouns of one thing each' {
        $verbs = foreach ($group in 'VerbsCommon', 'VerbsData', 'VerbsLifecycle', 'VerbsDiagnostic', 'VerbsCommunications', 'VerbsSecurity', 'VerbsOther') {
            ([type] "System.Management.Automation.$group").GetFields() | ForEach-Object { $_.GetRawConstantValue() }
        }
        Test-Rule $commands { param($command) $command.Verb -cin $verbs }
        Test-Rule $commands { param($command) $command.Noun -cmatch '^MProxy[A-Z][A-Za-z]*[^s]$' }
    }

    It 'says what each returns' {
        Test-Rule $commands { param($command) $command.OutputType.Count -gt 0 }
    }

    It 'asks before it listens, connects, stops, holds up or changes anything, where it is told to' {
        $changing = @($commands | Where-Object Verb -In 'Start', 'Stop', 'Set', 'Connect', 'Disconnect', 'Suspend', 'Resume')
        Test-Rule $changing { param($command) $command.Parameters.ContainsKey('WhatIf') -and $command.Parameters.ContainsKey('Confirm') }
        Test-Rule @($commands | Where-Object Verb -In 'Get', 'Test', 'Wait', 'Receive', 'New', 'ConvertFrom') { param($command) -not $command.Parameters.ContainsKey('WhatIf') }
    }

    It 'names parameters in the singular, as others name them' {
        Test-Rule $parameters { param($parameter) $parameter.Name -cmatch '^[A-Z][A-Za-z0-9]*$' -and ($parameter.Name -cnotmatch 's$' -or $parameter.Name -cmatch '(ss|Https|Credentials|Bytes)$') }

        # Words that stand for something which has another name in this module, or in PowerShell.
        Test-Rule $parameters { param($parameter) $parameter.Name -notin 'File', 'FileName', 'FilePath', 'Host', 'HostName', 'Uri', 'Url', 'Server', 'Target', 'User', 'UserName', 'Password', 'Credentials', 'Async', 'AsJob', 'Quiet', 'Overwrite', 'NoClobber', 'Seconds', 'Max', 'Parallel' }
    }

    It 'gives parameters of one name one type, but where they select or where they take several' {
        foreach ($name in $parameters.Name) {
            $types = @($parameters | Where-Object Name -EQ $name | ForEach-Object { $_.Element.FullName }) | Where-Object { $_ }
            $distinct = @{}
            foreach ($type in $types) { $distinct[$type] = $true }
            if ($name -in 'InputObject', 'Port', 'Service', 'Relay') { continue }
            "$name $($distinct.Keys)" | Should -BeExactly "$name $(@($types)[0])"
        }
    }

    It 'says which numbers are allowed' {
        # What ConvertTo-MProxyFrame takes from objects by property is checked by the codec, which has an error of its own for each field.
        Test-Rule @($parameters | Where-Object { -not ($_.Command -eq 'ConvertTo-MProxyFrame' -and $_.Name -in 'Port', 'ServicePort') -and $_.Element.IsPrimitive -and $_.Element -ne [bool] }) {
            param($parameter) @($parameter.Attributes | Where-Object { $_ -is [System.Management.Automation.ValidateRangeAttribute] }).Count -eq 1
        }
    }

    It 'takes secrets as SecureString alone' {
        Test-Rule @($parameters | Where-Object Name -Match '^(Token|Secret)$|Password$') { param($parameter) $parameter.Element -eq [securestring] }
    }

    It 'completes whatever can be listed' {
        Test-Rule @($parameters | Where-Object { $_.Element -ne [switch] -and ($_.Name -in 'Command', 'SocketId' -or ($_.Name -eq 'Service' -and $_.Command -ne 'ConvertTo-MProxyFrame') -or ($_.Name -eq 'Name' -and $_.Command -match '^(Get|Set|Stop|Disconnect)-MProxy(Relay|Tunnel|Link|Connection)$') -or $_.Name -match '^(Drain|Restore)(Service|Name)$|^(Limit|HealthCheck|Device)$') }) {
            param($parameter) @($parameter.Attributes | Where-Object { $_ -is [System.Management.Automation.ArgumentCompleterAttribute] }).Count -eq 1
        }
    }

    It 'takes files as others do' {
        $from = (Get-Command ConvertFrom-MProxyStream).Parameters
        @($from['Path'].Attributes | Where-Object { $_ -is [System.Management.Automation.SupportsWildcardsAttribute] }).Count | Should -Be 1
        $from['LiteralPath'].Aliases -join ' ' | Should -BeExactly 'PSPath LP'
        Test-Rule @($parameters | Where-Object Name -Match 'Path$') { param($parameter) $parameter.Element -eq [string] }
    }

    It 'returns what was changed where it is asked to' {
        Test-Rule @($commands | Where-Object { $_.Verb -in 'Set', 'Suspend', 'Resume' -or $_.Name -eq 'Stop-MProxyConnection' }) { param($command) $command.Parameters.ContainsKey('PassThru') }
    }
}
