<#
.SYNOPSIS
Makes the picture at the top of README.md, docs/tunnel.svg: what a real relay and tunnel show while clients use them.

.DESCRIPTION
Runs in the Shell (src/MProxy.Shell) and in pwsh 7.4 and later. The commands of the picture run in another process of the same program,
and what that prints is what the picture shows.

.PARAMETER Path
Where the picture goes.

.PARAMETER Session
Runs the commands and prints what a terminal would show, instead of making the picture.

.EXAMPLE
dotnet run -c Release --project src/MProxy.Shell -- -File docs/picture.ps1

Makes docs/tunnel.svg.
#>
param(
    [string] $Path = [IO.Path]::Combine($PSScriptRoot, 'tunnel.svg'),
    [switch] $Session
)

$ErrorActionPreference = 'Stop'

if ($Session) {
    Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))

    # Clients of the picture: each sends so many bytes and gets them back, and stays.
    $clients = [Collections.Generic.List[Net.Sockets.TcpClient]]::new()
    function Add-Client {
        param([int] $Length)
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $clients.Add($client)
        $sending = $client.GetStream().WriteAsync([byte[]]::new($Length), 0, $Length)
        $client.GetStream().ReadExactly([byte[]]::new($Length), 0, $Length)
        $sending.Wait()
    }

    foreach ($command in
        '$relay = Start-MProxyRelay tcp://127.0.0.1:0 -TcpPort 0 -Name front',
        '$echo = { param($Stream) $Stream.CopyTo($Stream) }',
        '$tunnel = Start-MProxyTunnel $relay.Listen[0] -Service @{ tcp = $echo } -Name home',
        'Get-Job',
        'Get-MProxyConnection',
        'Receive-Job home',
        'Get-MProxyConnection | Stop-MProxyConnection',
        'Stop-MProxyTunnel home; Stop-MProxyRelay front') {
        if ($command -eq 'Get-Job') { foreach ($length in 700, 48kb, 5mb) { Add-Client $length } }
        "PS> $command" | Out-Host
        . ([scriptblock]::Create($command)) | Out-Host
    }
    foreach ($client in $clients) { $client.Dispose() }
    return
}

$program = [Environment]::ProcessPath
$text = & $program -File $PSCommandPath -Session
if ($LASTEXITCODE) { throw "The session ended with exit code $LASTEXITCODE." }

# One empty line between two things will do, and a picture needs no trailing space.
$lines = [Collections.Generic.List[string]]::new()
foreach ($line in $text) {
    $line = "$line".TrimEnd()
    if ($line -or ($lines.Count -and $lines[-1])) { $lines.Add($line) }
}
while (-not $lines[-1]) { $lines.RemoveAt($lines.Count - 1) }

$size, $advance, $leading, $margin = 13, 7.82, 18, 20
$columns = 0
foreach ($line in $lines) { $columns = [Math]::Max($columns, $line.Length) }
$width = [Math]::Ceiling($columns * $advance) + 2 * $margin
$height = $lines.Count * $leading + 2 * $margin + 24
$culture = [Globalization.CultureInfo]::InvariantCulture
$svg = [Text.StringBuilder]::new()
$null = $svg.Append("<svg xmlns=""http://www.w3.org/2000/svg"" width=""$width"" height=""$height"" viewBox=""0 0 $width $height"" font-family=""ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', Consolas, monospace"" font-size=""$size"">`n")
$null = $svg.Append("<rect width=""$width"" height=""$height"" rx=""10"" fill=""#0f1b2d""/>`n")
$left = $margin
foreach ($colour in '#ff5f57', '#febc2e', '#28c840') {
    $null = $svg.Append("<circle cx=""$left"" cy=""18"" r=""6"" fill=""$colour""/>`n")
    $left += 20
}
$top = $margin + 34
foreach ($line in $lines) {
    if ($line) {
        $colour = if ($line.StartsWith('PS> ')) { '#9fd3ff' } elseif ($line -match '^[\s-]+$') { '#5c6f8c' } else { '#dbe4f0' }
        $escaped = [Security.SecurityElement]::Escape($line)
        $length = ($line.Length * $advance).ToString('0.##', $culture)
        $null = $svg.Append("<text x=""$margin"" y=""$top"" fill=""$colour"" xml:space=""preserve"" textLength=""$length"" lengthAdjust=""spacing"">$escaped</text>`n")
    }
    $top += $leading
}
$null = $svg.Append("</svg>`n")
[IO.File]::WriteAllText($Path, $svg.ToString())
