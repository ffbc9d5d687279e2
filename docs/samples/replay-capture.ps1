<#
.SYNOPSIS
Sends what the clients of a capture sent to a service again, and shows what it answers.

.DESCRIPTION
Runs in the Shell (src/MProxy.Shell) and in pwsh 7.4 and later. The capture is one of a tunnel (-CapturePath of Start-MProxyTunnel), with
its .times beside it: what came in over the link there is what clients sent. Each gets a connection of its own, one after the other.

.PARAMETER Path
The capture.

.PARAMETER Service
The service, as host:port.

.PARAMETER SocketId
Replay this client alone.

.EXAMPLE
docs/samples/replay-capture.ps1 ./link.bin 127.0.0.1:9000

Returns an object for each client, with the bytes of both directions.
#>
param(
    [Parameter(Mandatory)] [string] $Path,
    [Parameter(Mandatory)] [string] $Service,
    [string] $SocketId
)

$cameIn = [Collections.Generic.HashSet[long]]::new()
foreach ($line in [IO.File]::ReadLines($ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath("$Path.times"))) {
    if ($line -match '"direction":"in"' -and $line -match '"offset":(\d+)') { $null = $cameIn.Add([long] $Matches[1]) }
}

$sent = [ordered] @{}
foreach ($frame in ConvertFrom-MProxyStream -LiteralPath $Path) {
    if ($frame.Kind -ne 'Message' -or -not $cameIn.Contains($frame.Offset) -or ($SocketId -and $frame.SocketId -ne $SocketId)) { continue }
    if (-not $sent.Contains($frame.SocketId)) { $sent[$frame.SocketId] = [IO.MemoryStream]::new() }
    $sent[$frame.SocketId].Write($frame.Data, 0, $frame.Data.Length)
}

$colon = $Service.LastIndexOf(':')
foreach ($client in $sent.Keys) {
    $connection = [Net.Sockets.TcpClient]::new($Service.Substring(0, $colon), [int] $Service.Substring($colon + 1))
    try {
        # Both at once: a service that answers before it has read everything would wait for a reader.
        $stream = $connection.GetStream()
        $answer = [IO.MemoryStream]::new()
        $reading = $stream.CopyToAsync($answer)
        $question = $sent[$client].ToArray()
        $stream.Write($question, 0, $question.Length)
        $connection.Client.Shutdown('Send')
        $null = $reading.GetAwaiter().GetResult()
        [pscustomobject] @{ SocketId = $client; Sent = $question; Received = $answer.ToArray() }
    }
    finally {
        $connection.Dispose()
    }
}
