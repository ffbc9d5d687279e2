<#
.SYNOPSIS
Takes a capture apart: one object for each client, with what it came for and what went each way.

.DESCRIPTION
Runs in the Shell (src/MProxy.Shell) and in pwsh 7.4 and later. The capture is one of -CapturePath, with its .times beside it; which way a
frame went stands there. BytesIn came in over the link, which at a tunnel is what the client sent, and BytesOut went out; at a relay it is
the other way round.

.PARAMETER Path
The capture.

.EXAMPLE
docs/samples/read-capture.ps1 ./link.bin | Sort-Object BytesOut -Descending | Format-Table

The clients with the most traffic first.
#>
param([Parameter(Mandatory)] [string] $Path)

$ErrorActionPreference = 'Stop'

# Of each frame: which way it went, how long its body was on the link, and on which of several connections.
$seen = @{}
foreach ($line in [IO.File]::ReadLines($ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath("$Path.times"))) {
    if ($line -notmatch '"kind":' -or $line -notmatch '"offset":(\d+)') { continue }
    $offset = [long] $Matches[1]
    $connection = if ($line -match '"connection":(\d+)') { $Matches[1] }
    $length = if ($line -match '"length":(\d+)') { [long] $Matches[1] }
    $seen[$offset] = [pscustomobject] @{ IsIn = $line -match '"direction":"in"'; Length = $length; Connection = $connection }
}

$clients = [Collections.Generic.List[object]]::new()
$newest = @{}
ConvertFrom-MProxyStream -LiteralPath $Path | Where-Object SocketId | ForEach-Object {
    $onLink = $seen[$_.Offset]
    $key = "$($onLink.Connection) $($_.SocketId)"
    if ($_.Kind -eq 'Connection' -or -not $newest.Contains($key)) {
        # The same address and port may come again later, as another client.
        $newest[$key] = [pscustomobject] @{
            SocketId = $_.SocketId; Service = $_.Service; Name = $_.Name; Frames = 0; BytesIn = 0; BytesOut = 0; EndedBy = ''
        }
        $clients.Add($newest[$key])
    }
    $client = $newest[$key]
    $client.Frames++
    if ($_.Kind -eq 'Message' -and $onLink.IsIn) { $client.BytesIn += $onLink.Length }
    elseif ($_.Kind -eq 'Message') { $client.BytesOut += $onLink.Length }
    elseif ($_.Kind -eq 'Error') { $client.EndedBy = if ($_.Length) { $_.Code } else { 'Error' } }
}
$clients
