# MProxy as the codec that a conformance run asks for: see ../README.md.
Import-Module ([IO.Path]::Combine($PSScriptRoot, '..', '..', '..', 'MProxy.psd1'))

$names = @{ family = 'Family'; address = 'Address'; port = 'Port'; service = 'Service'; serviceport = 'ServicePort'; name = 'Name' }

function Get-Packed {
    param([Text.Json.JsonElement] $Frame)
    $parameters = @{ Kind = 'Message' }
    $body = [byte[]]::new(0)
    foreach ($member in $Frame.EnumerateObject()) {
        switch ($member.Name) {
            'verb' { $parameters.Kind = $member.Value.GetString() }
            'body' { $body = [Convert]::FromHexString($member.Value.GetString()) }
            'padding' { $parameters.LegacyPadding = $true }
            'compact' { $parameters.Compact = $true }
            default { $parameters[$names[$member.Name]] = "$($member.Value)" }
        }
    }
    try { @{ hex = [Convert]::ToHexString((ConvertTo-MProxyFrame -InputObject $body @parameters -ErrorAction Stop)).ToLowerInvariant() } }
    catch { @{ error = $true } }
}

function Get-Unpacked {
    param([Text.Json.JsonElement] $Chunks)
    $frames = [Collections.Generic.List[object]]::new()
    $isWrong = $false
    try {
        $pieces = foreach ($chunk in $Chunks.EnumerateArray()) { , [Convert]::FromHexString($chunk.GetString()) }
        $pieces | ConvertFrom-MProxyStream -ErrorAction Stop | ForEach-Object {
            $frames.Add([ordered] @{
                verb = "$($_.Kind)".ToLowerInvariant(); family = $_.Family; address = $_.Address; port = $_.Port
                service = $_.Service; serviceport = $_.ServicePort; name = $_.Name; body = [Convert]::ToHexString($_.Data).ToLowerInvariant()
            })
        }
    }
    catch { $isWrong = $true }
    [ordered] @{ frames = $frames; error = $isWrong }
}

while ($null -ne ($line = [Console]::In.ReadLine())) {
    $asked = [Text.Json.JsonDocument]::Parse($line).RootElement
    $part = [Text.Json.JsonElement]::new()
    $answer = if ($asked.TryGetProperty('pack', [ref] $part)) { Get-Packed $part } else { Get-Unpacked $asked.GetProperty('unpack') }
    [Console]::Out.WriteLine([Text.Json.JsonSerializer]::Serialize($answer, $answer.GetType(), [Text.Json.JsonSerializerOptions] $null))
}
