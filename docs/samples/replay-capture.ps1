<#
.SYNOPSIS
Sends what the clients of a capture sent to a service again, and shows what it answers.

.DESCRIPTION
Runs in the Shell (src/MProxy.Shell) and in pwsh 7.4 and later. The capture is one of a tunnel (-CapturePath of Start-MProxyTunnel), with
its .times beside it: what came in over the link there is what clients sent. Each gets a connection of its own, one after the other. It is for
services of streams, and for a whole capture: one whose bodies were cut or left out is an error.

.PARAMETER Path
The capture.

.PARAMETER Service
The service, as host:port.

.PARAMETER SocketId
Replay this client alone.

.PARAMETER TimeoutSeconds
How long to wait for each answer. What has come until then is returned.

.EXAMPLE
docs/samples/replay-capture.ps1 ./link.bin 127.0.0.1:9000

Returns an object for each client, with the bytes of both directions.
#>
param(
    [Parameter(Mandatory)] [string] $Path,
    [Parameter(Mandatory)] [string] $Service,
    [string] $SocketId,
    [double] $TimeoutSeconds = 60
)

$ErrorActionPreference = 'Stop'
$cameIn = [Collections.Generic.HashSet[long]]::new()
foreach ($line in [IO.File]::ReadLines($ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath("$Path.times"))) {
    if ($line -match '"dropped":') { throw "The capture lacks frames: $line" }
    if ($line -notmatch '"kind":' -or $line -notmatch '"direction":"in"' -or $line -notmatch '"offset":(\d+)') { continue }
    $null = $cameIn.Add([long] $Matches[1])
    if ($line -match '"length":(\d+)' -and ($length = $Matches[1]) -and $line -match '"kept":(\d+)' -and $Matches[1] -ne $length) {
        throw "The capture lacks a part of this frame: $line"
    }
}

$clients = [Collections.Generic.List[object]]::new()
$newest = @{}
ConvertFrom-MProxyStream -LiteralPath $Path | Where-Object { $cameIn.Contains($_.Offset) -and $_.SocketId } | ForEach-Object {
    if ($SocketId -and $_.SocketId -ne $SocketId) { return }
    if ($_.Kind -eq 'Connection' -or ($_.Kind -eq 'Message' -and -not $newest.Contains($_.SocketId))) {
        $newest[$_.SocketId] = [pscustomobject] @{ SocketId = $_.SocketId; Sent = [IO.MemoryStream]::new() }
        $clients.Add($newest[$_.SocketId])
    }
    if ($_.Kind -eq 'Message') { $newest[$_.SocketId].Sent.Write($_.Data, 0, $_.Data.Length) }
}

$colon = $Service.LastIndexOf(':')
foreach ($client in $clients) {
    $connection = [Net.Sockets.TcpClient]::new($Service.Substring(0, $colon), [int] $Service.Substring($colon + 1))
    try {
        # Both at once: a service that answers before it has read everything would wait for a reader.
        $stream = $connection.GetStream()
        $answer = [IO.MemoryStream]::new()
        $reading = $stream.CopyToAsync($answer)
        $question = $client.Sent.ToArray()
        $stream.WriteTimeout = [int] ($TimeoutSeconds * 1000)
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $problem = ''
        try {
            $stream.Write($question, 0, $question.Length)
            $connection.Client.Shutdown('Send')

            # In short waits, so that Ctrl+C is heard.
            while (-not $reading.Wait(200)) {
                if ($watch.Elapsed.TotalSeconds -ge $TimeoutSeconds) { throw "No end of the answer in $TimeoutSeconds s." }
            }
        }
        catch { $problem = "$_" }
        [pscustomobject] @{ SocketId = $client.SocketId; Sent = $question; Received = $answer.ToArray(); Problem = $problem }
    }
    finally {
        $connection.Dispose()
    }
}
