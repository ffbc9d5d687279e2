# Configuration files: what they set, what is wrong with them, and that nothing in them runs.
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSAvoidUsingConvertToSecureStringWithPlainText', '', Justification = 'Secrets of tests alone.')]
param()

Describe 'A configuration file' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        $folder = [IO.Path]::Combine([IO.Path]::GetTempPath(), [Guid]::NewGuid().ToString('n'))
        $null = [IO.Directory]::CreateDirectory($folder)
        $quiet = @{ WarningAction = 'SilentlyContinue' }
        $listen = "Listen = 'tcp://127.0.0.1:0'"
        $plain = 'of tests alone, and 32 bytes long'
        $secret = [Net.NetworkCredential]::new('', $plain).SecurePassword
        $internal = (Get-Command Start-MProxyRelay).ImplementingType.Assembly
        $readDataFile = $internal.GetType('MProxy.Internal.Configuration.DataFileReader').GetMethod('Read')

        function Write-Configuration([string] $Name, [string] $Text) {
            $path = [IO.Path]::Combine($folder, $Name)
            [IO.File]::WriteAllText($path, $Text)
            $path
        }

        # The error of a file that is refused; nothing where it is taken.
        function Get-Failure([string] $Name, [string] $Text, [string] $Command = 'Start-MProxyRelay') {
            $path = Write-Configuration $Name $Text
            try { $null = & $Command -ConfigurationPath $path -WhatIf @quiet } catch { $_ }
        }

        # What a file sets, as the cmdlet would get it.
        function Read-Configuration {
            [CmdletBinding()]
            param([string] $Path, [string] $Command = 'Start-MProxyRelay')
            $parameters = $internal.GetType('MProxy.Internal.Configuration.ConfigurableParameters').GetConstructors()[0].Invoke(
                @((Get-Command $Command).ImplementingType))
            $internal.GetType('MProxy.Internal.Configuration.ConfiguredParameters').GetMethod('Read').Invoke(
                $null, @($PSCmdlet, $parameters, $Path, [string[]] @(), $true)).Values
        }

        # A value as text, the same for the same value; what is a secret in clear text.
        function Format-Data($Value) {
            if ($null -eq $Value) { 'null' }
            elseif ($Value -is [Security.SecureString]) { 'secret ' + [Net.NetworkCredential]::new('', $Value).Password }
            elseif ($Value -is [pscredential]) { "$($Value.UserName) $($Value.GetNetworkCredential().Password)" }
            elseif ($Value -is [Collections.IDictionary] -or $Value.GetType().Name -like 'Dictionary*') {
                $entries = foreach ($key in @($Value.Keys)) { "$key".ToUpperInvariant() + '=' + (Format-Data $Value[[object] $key]) }
                '{' + ([Linq.Enumerable]::Order([string[]] @($entries), [StringComparer]::Ordinal) -join ';') + '}'
            }
            elseif ($Value -is [Collections.IList]) { '[' + (@(foreach ($item in $Value) { Format-Data $item }) -join ',') + ']' }
            elseif ($Value.GetType().Name -eq 'ServiceMap') { 'map ' + ($Value.Entries -join ' ') }
            else { $Value.GetType().Name + ':' + [string]::Format([cultureinfo]::InvariantCulture, '{0}', $Value) }
        }
    }

    AfterAll {
        Stop-MProxyTunnel -Name file-* -DrainTimeout 0
        Stop-MProxyRelay -Name file-* -DrainTimeout 0
        [IO.Directory]::Delete($folder, $true)
        [Environment]::SetEnvironmentVariable('MPROXY_TEST_SECRET', $null)
        [Environment]::SetEnvironmentVariable('MPROXY_TEST_HEADER', $null)
    }

    BeforeEach {
        [Environment]::SetEnvironmentVariable('MPROXY_TEST_SECRET', $plain)
    }

    It 'makes the same relay and tunnel in both formats' {
        $texts = @{
            'psd1' = @'
# A relay.
@{
    listen         = 'tcp://127.0.0.1:0'
    TCPPORT        = @(0)
    HttpPort       = 0, 0
    TrustedProxy   = '192.0.2.1', '10.0.0.0/8'
    Balance        = 'LeastConnections'
    ExactNamesOnly = $true
    PublicAddress  = '127.0.0.1'
    Secret         = @{ Environment = 'MPROXY_TEST_SECRET' }
    Audience       = 'it''s'
    TokenTimeout   = 2.5
    ProbeAfter     = 20
    HighMark       = 65536; LowMark = 4096
    LinkBudget     = 4294967296
    Name           = 'file-relay'
}
'@
            'json' = @'
// A relay.
{
    "Listen": ["tcp://127.0.0.1:0"],
    "TcpPort": 0,
    "HttpPort": [0, 0],
    "TrustedProxy": ["192.0.2.1", "10.0.0.0/8"],
    "Balance": "leastconnections", /* with the fewest clients */
    "ExactNamesOnly": true,
    "PublicAddress": "127.0.0.1",
    "Secret": [{ "Environment": "MPROXY_TEST_SECRET" }],
    "Audience": "it\u0027s",
    "TokenTimeout": 2.5,
    "ProbeAfter": 20,
    "HighMark": 65536, "LowMark": 4096,
    "LinkBudget": 4294967296,
    "Name": "file-relay",
}
'@
        }
        $device = @{
            'psd1' = "@{ Relay = 'ADDRESS'; Service = @{ 'a.example' = '127.0.0.1:9'; 8080 = 'unix:/run/x'; tcp = 'localhost:80' }; Name = 'file-tunnel'; ConnectTimeout = 5; NoProxy = `$false; Token = @{ Path = 'device.token' } }"
            'json' = '{ "Relay": "ADDRESS", "Service": { "a.example": "127.0.0.1:9", "8080": "unix:/run/x", "tcp": "localhost:80" }, "Name": "file-tunnel", "ConnectTimeout": 5, "NoProxy": false, "Token": { "Path": "device.token" } }'
        }
        $null = Write-Configuration device.token (New-MProxyToken a.example -Audience "it's" -Secret $secret -AsPlainText)
        $seen = foreach ($format in 'psd1', 'json') {
            $path = Write-Configuration "relay.$format" $texts[$format]
            $read = Format-Data (Read-Configuration $path)
            $relay = Start-MProxyRelay -ConfigurationPath $path
            $path = Write-Configuration "tunnel.$format" $device[$format].Replace('ADDRESS', $relay.Listen[0])
            $readAlso = (Format-Data (Read-Configuration $path Start-MProxyTunnel @quiet)).Replace("$($relay.Listen[0])", 'ADDRESS')
            $tunnel = Start-MProxyTunnel -ConfigurationPath $path @quiet
            $read, $readAlso, $relay.Name, $relay.HttpPort.Count, $relay.TcpPort.Count, $tunnel.Name, $tunnel.LinkState, "$($tunnel.Links[0].Grants)" -join '|'
            $tunnel | Stop-MProxyTunnel -DrainTimeout 0
            $relay | Stop-MProxyRelay -DrainTimeout 0
        }
        $seen[0] | Should -BeExactly $seen[1]
        $seen[0] | Should -BeLike '*|file-relay|2|1|file-tunnel|Connected|*a.example'
        $seen[0] | Should -BeLike "*AUDIENCE=String:it's;*EXACTNAMESONLY=SwitchParameter:True;*SECRET=?secret ${plain}?;*TOKENTIMEOUT=Double:2.5*"
    }

    It 'is written as its help says' {
        $help = [IO.File]::ReadAllText([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'en-US', 'about_MProxy_Configuration.help.txt')) -replace "`r"
        $null = Write-Configuration device.token $plain
        $null = Write-Configuration device.secret $plain
        foreach ($case in , @('relay.psd1', '#', 'Start-MProxyRelay', 9) + , @('tunnel.json', '//', 'Start-MProxyTunnel', 4)) {
            $start = $help.IndexOf("$($case[1]) $($case[0])`n")
            $end = $help.IndexOf("`n        }`n", $start)
            $text = $help.Substring($start, $end + 11 - $start).Replace('/run/credentials/mproxy/secret', 'device.secret')
            (Read-Configuration (Write-Configuration $case[0] $text) $case[2] @quiet).Count | Should -Be $case[3]
        }
    }

    It 'gives way to the command line' {
        $path = Write-Configuration wins.psd1 "@{ $listen; TcpPort = 0; HttpPort = 0; Name = 'file-wins'; Secret = @{ Path = 'no-such-file' }; RedirectToHttps = `$true }"
        { Start-MProxyRelay -ConfigurationPath $path } | Should -Throw '*no-such-file*' -ErrorId 'InvalidConfiguration,MProxy.Commands.StartMProxyRelayCommand'
        $relay = Start-MProxyRelay -ConfigurationPath $path -TcpPort 0, 0, 0 -Secret $secret -HttpPort @() -RedirectToHttps:$false
        $relay.TcpPort.Count, $relay.HttpPort.Count | Should -Be 3, 0
        $relay.Name | Should -Be 'file-wins'
        $relay | Stop-MProxyRelay

        # It is checked nevertheless.
        $path = Write-Configuration wins.psd1 "@{ $listen; TcpPort = 99999; Secret = 'text' }"
        $failure = try { Start-MProxyRelay -ConfigurationPath $path -TcpPort 0 -Secret $secret } catch { $_ }
        "$failure" | Should -BeLike '*TcpPort*99999*Secret*'
    }

    It 'leaves what has to be there to the command line, and misses what is in neither' {
        $path = Write-Configuration part.json '{ "Service": { "tcp": "127.0.0.1:9" }, "Name": "file-part" }'
        $failure = try { Start-MProxyTunnel -ConfigurationPath $path } catch { $_ }
        "$failure" | Should -Be "Key 'Relay' in part.json: it is missing: set it there or on the command line."
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -Name file-part
        (Start-MProxyTunnel -ConfigurationPath $path -Relay $relay.Listen[0]).LinkState | Should -Be 'Connected'
        Stop-MProxyTunnel file-part
        $relay | Stop-MProxyRelay

        "$(Get-Failure none.psd1 '@{ }' -Command Start-MProxyTunnel)" -split "`r?`n" | Should -Be @(
            "Key 'Relay' in none.psd1: it is missing: set it there or on the command line."
            "Key 'Service' in none.psd1: it is missing: set it there or on the command line."
        )
        "$(Get-Failure empty.psd1 '@{ Listen = @() }')" | Should -Be "Key 'Listen' in empty.psd1, line 1: it is empty."
    }

    It 'counts as what the command line gives' {
        foreach ($case in @(
                , @("$listen; FirstByteTimeout = 1", '*-MixedPort*')
                , @("$listen; CaptureHeadersOnly = `$true", '*-CapturePath*')
                , @("$listen; RedirectToHttps = `$true", '*-HttpPort*')
                , @("$listen; CertificateKeyPath = 'x.pem'", '*-CertificatePath*'))) {
            $path = Write-Configuration bound.psd1 "@{ $($case[0]) }"
            { Start-MProxyRelay -ConfigurationPath $path } | Should -Throw $case[1] -ErrorId 'InvalidOption,MProxy.Commands.StartMProxyRelayCommand'
        }
        Get-MProxyRelay | Should -BeNullOrEmpty
    }

    It 'starts nothing with -WhatIf, and is checked' {
        $path = Write-Configuration whatif.psd1 "@{ $listen; Name = 'file-whatif' }"
        Start-MProxyRelay -ConfigurationPath $path -WhatIf | Should -BeNullOrEmpty
        Get-MProxyRelay file-w* | Should -BeNullOrEmpty
        Get-Failure whatif.psd1 "@{ $listen; Name = '' }" | Should -Not -BeNullOrEmpty
    }

    It 'tells line, key, and what is allowed' {
        $parts = @(
            , @("TlsPrt = 5", "Unknown key 'TlsPrt'", 'did you mean TlsPort?')
            , @("PortTls = 5", "Unknown key 'PortTls'", 'keys are the parameters of Start-MProxyRelay, which Get-Help lists.')
            , @("Trusted = '10.0.0.0/8'", "Unknown key 'Trusted'", 'did you mean TrustedProxy?')
            , @("TcpPort = 80, 99999", "Key 'TcpPort'", '99999 is outside of the range from 0 to 65535.')
            , @("TcpPort = 'http'", "Key 'TcpPort'", "'http' is not a whole number from 0 to 65535.")
            , @("TcpPort = `$true", "Key 'TcpPort'", 'true is not a whole number from 0 to 65535.')
            , @("TcpPort = 80.5", "Key 'TcpPort'", '80.5 is not a whole number from 0 to 65535.')
            , @("TcpPort = ''", "Key 'TcpPort'", "'' is not a whole number from 0 to 65535.")
            , @("TcpPort = 99999999999", "Key 'TcpPort'", '99999999999 is not a whole number from 0 to 65535.')
            , @("TcpPort = @{ a = 1 }", "Key 'TcpPort'", 'it takes a whole number, not a table.')
            , @("TcpPort = `$null", "Key 'TcpPort'", 'it has no value: leave the key out for the default.')
            , @("TcpPort = 1, `$null", "Key 'TcpPort'", 'there is nothing between two commas, or null in the list.')
            , @("TokenTimeout = 0", "Key 'TokenTimeout'", '0 is outside of the range from 0.1 to 3600.')
            , @("TokenTimeout = 1, 2", "Key 'TokenTimeout'", 'it takes one value, not a list.')
            , @("Balance = 'Random'", "Key 'Balance'", "'Random' is not one of RoundRobin, LeastConnections, ClientAddress.")
            , @("ExactNamesOnly = 'false'", "Key 'ExactNamesOnly'", 'write $true or $false.')
            , @("ExactNamesOnly = 0", "Key 'ExactNamesOnly'", 'write $true or $false.')
            , @("TrustedProxy = '10.0.0.0/99'", "Key 'TrustedProxy'", "'10.0.0.0/99' is neither an address such as 192.0.2.1 nor a network such as 10.0.0.0/8.")
            , @("PublicAddress = 'nowhere'", "Key 'PublicAddress'", "'nowhere' is not an IP address.")
            , @("PublicAddress = 5", "Key 'PublicAddress'", '5 is not an IP address.')
            , @("PublicKey = @()", "Key 'PublicKey'", 'it is empty.')
            , @("Audience = 'a', 'b'", "Key 'Audience'", 'it takes one value, not a list.')
            , @("Audience = `$true", "Key 'Audience'", 'this is not a text.')
            , @("Stream = 5", "Key 'Stream'", 'no file holds such an object: set Listen instead.')
            , @("Certificate = 'x.pfx'", "Key 'Certificate'", 'no file holds such an object: set CertificatePath instead.')
            , @("ConfigurationPath = 'x.psd1'", "Key 'ConfigurationPath'", 'it says where the file is, and stands on the command line alone.')
            , @("Verbose = `$true", "Key 'Verbose'", 'common parameters stand on the command line alone.')
            , @("WhatIf = `$true", "Key 'WhatIf'", 'common parameters stand on the command line alone.')
            , @("listen = 'tcp://127.0.0.1:1'", "Key 'listen'", 'it is there already, in line 2.')
        )
        foreach ($part in $parts) {
            $failure = Get-Failure relay.psd1 "@{`n    $listen`n`n    $($part[0])`n}"
            "$failure" | Should -BeExactly "$($part[1]) in relay.psd1, line 4: $($part[2])"
            $failure.FullyQualifiedErrorId, "$($failure.CategoryInfo.Category)" | Should -Be 'InvalidConfiguration,MProxy.Commands.StartMProxyRelayCommand', 'InvalidData'
            $failure.TargetObject | Should -Be ([IO.Path]::Combine($folder, 'relay.psd1'))
        }
        foreach ($part in @(
                , @('"Relay": "http://x"', "Key 'Relay'", "The carrier 'http' is not supported*")
                , @('"Relay": 5', "Key 'Relay'", 'it cannot be read as an address such as tls://relay.example:5443.')
                , @('"RelayUri": "tcp://127.0.0.1:1"', "Unknown key 'RelayUri'", 'did you mean Relay?')
                , @('"Service": { "tcp": "x" }', "Key 'Service'", 'Service tcp: *')
                , @('"Session": 5', "Key 'Session'", 'no file holds such an object: set Relay instead.')
                , @('"ServiceCertificate": "x"', "Key 'ServiceCertificate'", '*set ServiceCertificatePath instead.')
                , @('"NoProxy": "true"', "Key 'NoProxy'", 'write true or false.')
                , @('"Header": "x"', "Key 'Header'", 'it takes a table: { "Name": "value" }.')
                , @('"Header": { "a": [1] }', "Key 'Header.a'", 'it takes one value.')
                , @('"ProxyCredential": "x"', "Key 'ProxyCredential'", 'a credential is a table of UserName and Password.')
                , @('"ProxyCredential": { "UserName": "u" }', "Key 'ProxyCredential'", 'it needs the text UserName, and Password.')
                , @('"Token": { "Pfad": "x" }', "Unknown key 'Token.Pfad'", 'Path and Environment are what there is.')
                , @('"Token": { "Pth": "x" }', "Unknown key 'Token.Pth'", 'did you mean Path?'))) {
            $lines = "$(Get-Failure t.json "{`r`n`r`n$($part[0])`r`n}" -Command Start-MProxyTunnel)" -split "`r?`n" -notlike '*it is missing: *'
            $lines.Count | Should -Be 1
            $lines[0] | Should -BeLike "$($part[1]) in t.json, line 3: $($part[2])"
        }
    }

    It 'tells all that is wrong at once, the first ten of it' {
        $lines = "$(Get-Failure many.psd1 ("@{`n" + ((1..13 | ForEach-Object { "Nonsense$_ = $_" }) -join "`n") + "`n}"))" -split "`r?`n"
        $lines.Count | Should -Be 11
        $lines[0] | Should -BeLike "Unknown key 'Nonsense1' in many.psd1, line 2: *"
        $lines[9] | Should -BeLike "Unknown key 'Nonsense10' in many.psd1, line 11: *"
        $lines[10] | Should -Be 'and 4 more.'
    }

    It 'keeps a message short, in one line, and harmless to a terminal' {
        $message = "$(Get-Failure long.json ('{ "Listen": "tcp://127.0.0.1:0", "\u001b[31m\n\u202e' + 'x' * 5000 + '": 1, "Balance": "\u0007' + 'y' * 5000 + '" }'))"
        $message.Length -lt 500 | Should -BeTrue
        @($message -split "`r?`n").Count | Should -Be 2
        [regex]::IsMatch($message, '[\x00-\x09\x0b\x0c\x0e-\x1f\u202e]') | Should -BeFalse
    }

    It 'runs nothing' {
        $flag = [IO.Path]::Combine($folder, 'has-run')
        $run = "[IO.File]::WriteAllText('$flag', 'x')"
        foreach ($text in @(
                "@{ $listen; Name = $run }"
                "@{ $listen; Name = ($run) }"
                "@{ $listen; Name = `$($run) }"
                "@{ $listen; Name = @($run) }"
                "@{ $listen; Name = `"`$($run)`" }"
                "@{ $listen; Name = @`"`n`$($run)`n`"@ }"
                "@{ $listen; Name = & { $run } }"
                "@{ $listen; Name = { $run } }"
                "@{ $listen; Name = if (`$true) { $run } }"
                "@{ $listen; Name = 'x' | ForEach-Object { $run } }"
                "@{ $listen; `$($run) = 1 }"
                "@{ $listen; `"`$($run)`" = 1 }"
                "@{ $listen; Name = 'x'.PadLeft($run) }"
                "@{ $listen; Name = [string] ($run) }"
                "@{ $listen } ; $run"
                "@{ $listen }`n$run"
                "$run`n@{ $listen }"
                "param(`$x = ($run)) @{ $listen }"
                "begin { $run } end { @{ $listen } }"
                "class X { static [object] `$y = ($run) }`n@{ $listen }"
                "configuration X { $run }`n@{ $listen }"
                "@{ $listen; Name = configuration X { Node y { $run } } }"
                "using module ./x.psm1`n@{ $listen }"
                "@{ $listen; Name = Get-Date }"
                "@{ $listen; Name = x }"
                "@{ $listen; Name = 'a' + 'b' }"
                "@{ $listen; Name = 'a', 'b' -join '' }"
                "@{ $listen; TcpPort = 8080..8081 }"
                "@{ $listen; TcpPort = 1-1 }"
                "@{ $listen; TcpPort = [int] 5 }"
                "@{ $listen; Name = `$env:PATH }"
                "@{ $listen; Name = `${env:PATH} }"
                "@{ $listen; Name = `$HOME }"
                "@{ $listen; Name = `"`$HOME`" }"
                "@{ $listen; Name = `$true.ToString() }"
                "@{ $listen; Name = @('a')[0] }"
                "@{ $listen; Name = @splat }"
                "@{ $listen; Name = 'a' > '$flag' }"
                "`$x = @{ $listen }")) {
            $failure = Get-Failure run.psd1 $text
            "$text => $($failure.FullyQualifiedErrorId)" | Should -Be "$text => InvalidConfiguration,MProxy.Commands.StartMProxyRelayCommand"
            "$text => $failure" | Should -BeLike '* => run.psd1, line [1-4]: *'
            "$text => $([IO.File]::Exists($flag))" | Should -Be "$text => False"
        }
    }

    It 'is read as PowerShell reads it, where it is data' {
        $random = [Random]::new(7)
        $atoms = '1', '-2', '0.5', '1kb', '0x1F', '1e3', '.5', '10l', '2147483648', '$true', '$FALSE', '$null', "'a'", "''", "'it''s'", '"x`ty"', '"a""b"', "'`$x'", "'#'", '"}"', "'`n'", '"`u{41}"', "`u{2018}q'", '@()', '@{}'
        function Get-RandomValue([int] $Depth) {
            switch ($random.Next(6)) {
                { $_ -eq 0 -and $Depth -lt 4 } { "@{$(Get-RandomBody ($Depth + 1))}" }
                { $_ -eq 1 -and $Depth -lt 4 } { '@(' + (@(for ($i = $random.Next(4); $i; $i--) { Get-RandomValue ($Depth + 1) }) -join (', ', ' ,', "`n", ';', ",`n", " #x`n")[$random.Next(6)]) + ')' }
                default { $atoms[$random.Next($atoms.Count)] }
            }
        }
        function Get-RandomBody([int] $Depth) {
            $body = ''
            for ($left = $random.Next(4); $left; $left--) {
                $key = ('a', 'b_1', "`u{dc}", '"k q"', "'x.y'", '8080', 'if')[$random.Next(7)] + (' = ', '=', "= `n", '= <#c#> ')[$random.Next(4)]
                $list = if ($random.Next(5) -eq 0) { ', ' + (Get-RandomValue $Depth) }
                $body += $key + (Get-RandomValue $Depth) + $list + (';', "`n", "`r`n", '; ', "  # it's`n", ",`n1`n", " <# } #>;", " ```n;")[$random.Next(8)]
            }
            $body
        }

        $same = 0
        for ($round = 0; $round -lt 150; $round++) {
            $text = "@{$(Get-RandomBody 0)}"
            $tokens = $errors = $null
            $ast = [Management.Automation.Language.Parser]::ParseInput($text, [ref] $tokens, [ref] $errors)
            $ours = try { , $readDataFile.Invoke($null, @($text)) } catch { "$($_.Exception.InnerException.Message)" }
            if ($errors -or @($ours.FindDuplicates()).Count) {
                "$text => $($errors.ErrorId)" | Should -BeLike '* => DuplicateKeyInHashLiteral*'
                continue
            }
            $theirs = $ast.Find({ $args[0] -is [Management.Automation.Language.HashtableAst] }, $false).SafeGetValue()
            "$text => $(Format-Data $ours.ToDictionary())" | Should -BeExactly "$text => $(Format-Data $theirs)"
            $same++
        }
        $same -gt 100 | Should -BeTrue
    }

    It 'has to be closed, and to end where it does' {
        foreach ($case in @(
                , @("@{`n$listen", 'line 1: what starts here with @{ is not closed with }.')
                , @("@{`n$listen`nTcpPort = @(1, 2", 'line 3: what starts here with @( is not closed with ).')
                , @("@{`n$listen`nName = 'x`n}", 'line 3: the text that starts here has no closing quote.')
                , @("@{`n<# x`n$listen }", 'line 2: the comment that starts here is not closed with #>.')
                , @("@{ $listen }`n`n}", 'line 3: the table ends before this, and nothing may stand behind it.')
                , @("@{`n$listen`nName 'x' }", 'line 3: behind the key comes =, in the same line.')
                , @("@{`n$listen`nName = }", 'line 3: a value is missing.')
                , @("@{`n$listen, Name = 'x' }", 'line 2: this is no number, and a text has to stand in quotes: commands are not run.')
                , @("@{`n$listen`na.b = 1 }", 'line 3: a key with other letters than a to z, digits and _ stands in quotes.')
                , @("@{`r`n$listen`r`n`r`n= 1 }", 'line 4: a key has to stand here.')
                , @("'x'", 'line 1: the file has to be a table: @{ }.')
                , @(('@{ a = ' + '@(' * 400000), 'line 1: it is nested deeper than 16 levels.')
                , @(('@{ a = ' + '"$(' * 100000), 'line 1: a $ in double quotes would be replaced: use single quotes, or write `$.')
                , @("@{ TcpPort = 1$(',1' * 100000) }", 'line 1: there are more than 10000 values.'))) {
            "$(Get-Failure end.psd1 $case[0])" | Should -BeExactly "end.psd1, $($case[1])"
        }
        foreach ($case in @(
                , @("{`n`"Name`": `"x`"", 'line 2: this is no JSON, from column 12 on: *')
                , @("{`n'Name': 'x' }", 'line 2: this is no JSON, from column 1 on: keys and texts stand in double quotes*')
                , @("{ `"Name`": `"x`" }`n}", 'line 2: this is no JSON*')
                , @("{`n`"Name`": `"\ud800`" }", 'line 2: a text has half of a surrogate pair in it.')
                , @("{`n`"ProbeAfter`": 1e999 }", 'line 2: the number is too large.')
                , @("`n[1]", 'line 2: the file has to be an object: { }.')
                , @(('{ "a": ' * 100000), 'line 1: it is nested deeper than 16 levels.')
                , @(('{ "a": ' + '[' * 400000), 'line 1: it is nested deeper than 16 levels.')
                , @("{ `"TcpPort`": [1$(',1' * 100000)] }", 'line 1: there are more than 10000 values.'))) {
            "$(Get-Failure end.json $case[0])" | Should -BeLike "end.json, $($case[1])"
        }
    }

    It 'has each key once' {
        $text = "{ `"Listen`": `"tcp://127.0.0.1:0`",`n`"Name`": `"a`",`n`"name`": `"b`",`n`"Secret`": [[{ `"Path`": `"x`",`n`"PATH`": `"y`" }]] }"
        $lines = "$(Get-Failure twice.json $text)" -split "`r?`n"
        $lines[0] | Should -Be "Key 'name' in twice.json, line 3: it is there already, in line 2."
        $lines | Should -BeLike '*twice.json*'
        "$lines" | Should -BeLike "*Key 'PATH' in twice.json, line 5: it is there already, in line 4.*"
        "$(Get-Failure twice.psd1 "@{ $listen`n'LISTEN' = 'tcp://127.0.0.1:1' }")" | Should -Be "Key 'LISTEN' in twice.psd1, line 2: it is there already, in line 1."
    }

    It 'may have a byte order mark and any line ends, and is text of a certain length' {
        foreach ($encoding in [Text.UTF8Encoding]::new($false), [Text.UTF8Encoding]::new($true), [Text.Encoding]::Unicode) {
            foreach ($case in @('marked.psd1', "@{ $listen; Name = '`u{e4}'`r`n}"), @('marked.json', "{ `"Listen`": `"tcp://127.0.0.1:0`", `"Name`": `"`u{e4}`" }")) {
                $path = [IO.Path]::Combine($folder, $case[0])
                [IO.File]::WriteAllText($path, $case[1], $encoding)
                (Read-Configuration $path)['Name'] | Should -BeExactly "`u{e4}"
            }
        }
        foreach ($lineEnd in "`r`n", "`n", "`r") {
            "$(Get-Failure lines.psd1 ("@{", $listen, '# x', '<#', '#>', "Audience = 'a", "b'", 'Nme = 1', '}' -join $lineEnd))" | Should -BeLike "Unknown key 'Nme' in lines.psd1, line 8: *"
        }

        [IO.File]::WriteAllBytes([IO.Path]::Combine($folder, 'binary.psd1'), [byte[]] (0x40, 0x7b, 0xff, 0x7d))
        $failure = try { Start-MProxyRelay -ConfigurationPath ([IO.Path]::Combine($folder, 'binary.psd1')) } catch { $_ }
        "$failure" | Should -Be 'binary.psd1: it is no UTF-8 text.'
        foreach ($name in 'none.psd1', 'none.json') {
            "$(Get-Failure $name '')" | Should -Be "${name}: it is empty."
            "$(Get-Failure $name " `r`n")" | Should -Be "${name}: it is empty."
        }
        "$(Get-Failure comment.psd1 '# @{ }')" | Should -Be 'comment.psd1, line 1: the file has to be a table: @{ }.'

        $text = "@{ $listen }"
        Get-Failure full.psd1 ($text + ' ' * (1MB - $text.Length)) | Should -BeNullOrEmpty
        "$(Get-Failure full.psd1 ($text + ' ' * (1MB - $text.Length + 1)))" | Should -Be 'full.psd1: it is longer than 1048576 bytes.'
        "$(Get-Failure full.json (' ' * 10MB))" | Should -Be 'full.json: it is longer than 1048576 bytes.'
    }

    It 'is a file whose name says what it is' {
        "$(Get-Failure relay.txt "@{ $listen }")" | Should -Be 'relay.txt: its name has to end in .psd1 or .json, which says what it is.'
        foreach ($path in $folder, [IO.Path]::Combine($folder, 'no-such.psd1'), 'Variable:x.psd1', 'NoSuchDrive:x.psd1') {
            { Start-MProxyRelay -ConfigurationPath $path } | Should -Throw -ErrorId 'FileUnavailable,MProxy.Commands.StartMProxyRelayCommand'
            { Start-MProxyTunnel -ConfigurationPath $path } | Should -Throw -ErrorId 'FileUnavailable,MProxy.Commands.StartMProxyTunnelCommand'
        }
        Get-MProxyRelay | Should -BeNullOrEmpty
    }

    It 'has paths that start at its folder' {
        $key = [Security.Cryptography.RSA]::Create(2048)
        $null = Write-Configuration public.pem $key.ExportSubjectPublicKeyInfoPem()
        $private = Write-Configuration private.pem $key.ExportPkcs8PrivateKeyPem()
        $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new('CN=localhost', $key, 'SHA256', [Security.Cryptography.RSASignaturePadding]::Pkcs1)
        $certificate = $request.CreateSelfSigned([DateTimeOffset]::Now.AddDays(-1), [DateTimeOffset]::Now.AddDays(1))
        [IO.File]::WriteAllBytes([IO.Path]::Combine($folder, 'relay.pfx'), $certificate.Export('Pfx', $plain))
        $null = [IO.Directory]::CreateDirectory([IO.Path]::Combine($folder, 'sub'))
        $path = Write-Configuration paths.psd1 @'
@{
    Listen              = 'tls://127.0.0.1:0'
    CertificatePath     = 'relay.pfx'
    CertificatePassword = @{ Environment = 'MPROXY_TEST_SECRET' }
    PublicKey           = './public.pem'
    CapturePath         = 'sub/relay.bin'
    CaptureHeadersOnly  = $true
    Name                = 'file-paths'
}
'@
        $relay = Start-MProxyRelay -ConfigurationPath $path
        $link = Connect-MProxyRelay $relay.Listen[0] -Thumbprint $certificate.Thumbprint -Token (New-MProxyToken a.example -PrivateKey $private)
        "$($link.Grants)" | Should -BeLike '*a.example'
        $link | Disconnect-MProxyRelay
        $relay | Stop-MProxyRelay
        [IO.File]::Exists([IO.Path]::Combine($folder, 'sub', 'relay.bin')) | Should -BeTrue

        $path = Write-Configuration rooted.json ('{ "Listen": "tcp://127.0.0.1:0", "PublicKey": ["' + [IO.Path]::Combine($folder, 'public.pem').Replace('\', '/') + '", "~/x.pem", "Variable:x"] }')
        $read = (Read-Configuration $path)['PublicKey']
        $read[0].Replace('\', '/'), $read[1], $read[2] | Should -Be ([IO.Path]::Combine($folder, 'public.pem').Replace('\', '/')), '~/x.pem', 'Variable:x'
    }

    It 'names its secrets, and holds none' {
        foreach ($case in @("$plain`n", $plain), @("$plain`r`n", $plain), @("$plain`n`n", "$plain`n"), @(" $plain ", " $plain "), @("`u{feff}$plain", $plain)) {
            $null = Write-Configuration relay.secret $case[0]
            foreach ($file in @(
                    , @('secret.psd1', "@{ $listen; Secret = @{ path = 'relay.secret' }, @{ ENVIRONMENT = 'MPROXY_TEST_SECRET' } }")
                    , @('secret.json', '{ "Listen": "tcp://127.0.0.1:0", "Secret": [{ "path": "relay.secret" }, { "ENVIRONMENT": "MPROXY_TEST_SECRET" }] }'))) {
                $read = (Read-Configuration (Write-Configuration $file[0] $file[1]) @quiet)['Secret']
                Format-Data $read | Should -BeExactly "[secret $($case[1]),secret $plain]"
            }
        }
        $null = Write-Configuration relay.secret $plain
        $path = Write-Configuration credential.json '{ "Relay": "ws://127.0.0.1:1", "Service": "tcp=127.0.0.1:9", "ProxyCredential": { "UserName": "me", "Password": { "Path": "relay.secret" } } }'
        Format-Data (Read-Configuration $path Start-MProxyTunnel @quiet)['ProxyCredential'] | Should -BeExactly "me $plain"
    }

    It 'warns where others can read a secret' {
        if (-not [OperatingSystem]::IsWindows()) {
            $file = Write-Configuration open.secret $plain
            $path = Write-Configuration open.psd1 "@{ $listen; Secret = @{ Path = 'open.secret' } }"
            foreach ($mode in 'UserRead, OtherRead', 'UserRead', 'UserRead, GroupRead') {
                [IO.File]::SetUnixFileMode($file, [IO.UnixFileMode] $mode)
                $warnings = $null
                Start-MProxyRelay -ConfigurationPath $path -WhatIf -WarningVariable warnings @quiet
                @($warnings).Count | Should -Be $(if ($mode -like '*Other*') { 1 } else { 0 })
                "$warnings" | Should -Not -BeLike "*$plain*"
            }
        }
    }

    It 'shows no secret, whatever is wrong' {
        $hidden = 'hunter2hunter2hunter2hunter2hunter2'
        [Environment]::SetEnvironmentVariable('MPROXY_TEST_SECRET', $hidden)
        $null = Write-Configuration long.secret ($hidden * 4000)
        [IO.File]::WriteAllBytes([IO.Path]::Combine($folder, 'binary.secret'), [Text.Encoding]::ASCII.GetBytes($hidden) + [byte] 0xff)
        foreach ($name in 'empty.secret', 'end.secret') { $null = Write-Configuration $name @{ 'empty.secret' = ''; 'end.secret' = "`n" }[$name] }
        foreach ($case in @(
                , @("'$hidden'", "*Key 'Secret'*a secret does not stand in the file itself: write @{ Path = 'secret.txt' } or @{ Environment = 'NAME' } instead.")
                , @("@('$hidden')", '*a secret does not stand in the file itself*')
                , @("5", '*a secret does not stand in the file itself*')
                , @("$hidden", '*commands are not run*')
                , @("'$($hidden.Insert(9, "'"))'", '*the value ends before this*')
                , @("'$hidden", '*no closing quote*')
                , @("`"`$$hidden`"", '*a $ in double quotes*')
                , @("`$$hidden", '*variables are not read*')
                , @("@{ Text = '$hidden' }", "*Unknown key 'Secret.Text'*")
                , @("@{ Path = @{ Text = '$hidden' } }", '*a secret comes from one place*')
                , @("@{ Path = 'x'; Environment = 'MPROXY_TEST_SECRET' }", '*a secret comes from one place*')
                , @("@{ }", '*a secret comes from one place*')
                , @("@{ Path = '' }", '*a secret comes from one place*')
                , @("@{ Path = 'no-such' }", "*no-such' is not there.")
                , @("@{ Path = '.' }", '*is a folder*')
                , @("@{ Path = 'NoSuchDrive:x' }", '*NoSuchDrive*')
                , @("@{ Path = 'empty.secret' }", "*the file 'empty.secret' is empty.")
                , @("@{ Path = 'end.secret' }", "*the file 'end.secret' is empty.")
                , @("@{ Path = 'long.secret' }", '*holds no secret: it is longer than 65536 bytes.')
                , @("@{ Path = 'binary.secret' }", '*holds no secret: it is no UTF-8 text.')
                , @("@{ Environment = 'MPROXY_NO_SUCH' }", "*the environment variable 'MPROXY_NO_SUCH' is not set or empty.")
                , @("@{ Environment = 'MPROXY_TEST_SECRET' }; TcpPort = -1", '*TcpPort*-1*'))) {
            $failure = Get-Failure s.psd1 "@{ $listen; Secret = $($case[0]) }"
            "$($case[0]) => $failure" | Should -BeLike "$([WildcardPattern]::Escape($case[0])) => $([WildcardPattern]::Escape($case[1]).Replace('`*', '*'))"
            $failure.FullyQualifiedErrorId | Should -Be 'InvalidConfiguration,MProxy.Commands.StartMProxyRelayCommand'
            "$failure $($failure.Exception) $($failure.ErrorDetails) $($failure.TargetObject) $($failure.CategoryInfo)" | Should -Not -BeLike '*hunter*'
        }
        foreach ($text in @(
                "`"$hidden`""
                "$hidden"
                "true$hidden"
                "`"$hidden"
                "{ `"Text`": `"$hidden`" }"
                "{ `"Path`": [`"$hidden`"] }")) {
            $failure = Get-Failure s.json "{ `"Listen`": `"tcp://127.0.0.1:0`", `"Secret`": $text }"
            $failure.FullyQualifiedErrorId | Should -Be 'InvalidConfiguration,MProxy.Commands.StartMProxyRelayCommand'
            "$failure $($failure.Exception) $($failure.ErrorDetails)" | Should -Not -BeLike '*hunter*'
        }
        foreach ($text in "`"Relay`": `"xx://a/?access_token=$hidden`"", "`"Header`": `"$hidden`"", "`"ProxyCredential`": { `"UserName`": `"u`", `"Password`": `"$hidden`" }", "`"Proxy`": [`"http://u:$hidden@p`"]") {
            $failure = Get-Failure s.json "{ `"Service`": `"tcp=127.0.0.1:9`", $text }" -Command Start-MProxyTunnel
            $failure.FullyQualifiedErrorId | Should -Be 'InvalidConfiguration,MProxy.Commands.StartMProxyTunnelCommand'
            "$failure $($failure.Exception) $($failure.ErrorDetails)" | Should -Not -BeLike '*hunter*'
        }
    }

    It 'takes a header from elsewhere too' {
        $relay = Start-MProxyRelay -Listen ws://127.0.0.1:0 -Secret $secret -Name file-header
        [Environment]::SetEnvironmentVariable('MPROXY_TEST_HEADER', 'Bearer ' + (New-MProxyToken h.example -Secret $secret -AsPlainText))
        $path = Write-Configuration header.psd1 "@{ Relay = '$($relay.Listen[0])'; Service = @{ http = '127.0.0.1:9' }; Header = @{ Authorization = @{ Environment = 'MPROXY_TEST_HEADER' }; 'X-Other' = 5 }; NoProxy = `$true; Name = 'file-header' }"
        $tunnel = Start-MProxyTunnel -ConfigurationPath $path @quiet
        $tunnel.LinkState | Should -Be 'Connected'
        $relay.LinkCount | Should -Be 1
        $tunnel | Stop-MProxyTunnel -DrainTimeout 0
        $relay | Stop-MProxyRelay -DrainTimeout 0
    }
}
