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

$cameIn = [Collections.Generic.HashSet[long]]::new()
foreach ($line in [IO.File]::ReadLines($ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath("$Path.times"))) {
    if ($line -match '"direction":"in"' -and $line -match '"offset":(\d+)') { $null = $cameIn.Add([long] $Matches[1]) }
}

$clients = [Collections.Generic.List[object]]::new()
$newest = @{}
foreach ($frame in ConvertFrom-MProxyStream -LiteralPath $Path) {
    if (-not $frame.SocketId) { continue }
    if ($frame.Kind -eq 'Connection' -or -not $newest.Contains($frame.SocketId)) {
        # The same address and port may come again later, as another client.
        $newest[$frame.SocketId] = [pscustomobject] @{
            SocketId = $frame.SocketId; Service = $frame.Service; Name = $frame.Name; Frames = 0; BytesIn = 0; BytesOut = 0; EndedBy = ''
        }
        $clients.Add($newest[$frame.SocketId])
    }
    $client = $newest[$frame.SocketId]
    $client.Frames++
    switch ($frame.Kind) {
        Message { if ($cameIn.Contains($frame.Offset)) { $client.BytesIn += $frame.Length } else { $client.BytesOut += $frame.Length } }
        Error { $client.EndedBy = $frame.Code }
    }
}
$clients
