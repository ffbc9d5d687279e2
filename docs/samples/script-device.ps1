<#
.SYNOPSIS
A device in script: every line that a client sends comes back in upper case.

.DESCRIPTION
Runs in the Shell (src/MProxy.Shell) and in pwsh 7.4 and later. It serves until the link ends, until -ClientCount clients are done, or
until Ctrl+C. What a client sends may come in several messages, and so its bytes are put together until a line is whole.

.PARAMETER Relay
The relay to be a device of.

.PARAMETER Token
Tokens that say which clients the relay should send here.

.PARAMETER ClientCount
Stop after so many clients.

.EXAMPLE
docs/samples/script-device.ps1 wss://relay.example -Token (Get-Secret echo-token)

Serves until the link ends.
#>
param(
    [Parameter(Mandatory)] [string] $Relay,
    [securestring[]] $Token = @(),
    [int] $ClientCount = [int]::MaxValue
)

$link = Connect-MProxyRelay $Relay -Token $Token -ErrorAction Stop
try {
    $lines = @{}
    $decoders = @{}
    $done = 0
    while ($done -lt $ClientCount -and ($frame = Receive-MProxyFrame $link -Count 1)) {
        $client = $frame.SocketId
        switch ($frame.Kind) {
            Connection { $lines[$client] = '' }
            Message {
                # A character may be cut too: its decoder keeps what is there.
                if (-not $decoders.Contains($client)) { $decoders[$client] = [Text.Encoding]::UTF8.GetDecoder() }
                $characters = [char[]]::new($frame.Data.Length + 1)
                $count = $decoders[$client].GetChars($frame.Data, 0, $frame.Data.Length, $characters, 0)
                $text = $lines[$client] + [string]::new($characters, 0, $count)
                $whole = $text.LastIndexOf("`n") + 1
                $lines[$client] = $text.Substring($whole)
                if ($whole) { Send-MProxyFrame $link $text.Substring(0, $whole).ToUpperInvariant() -SocketId $client }
            }
            End { Send-MProxyFrame $link -Kind End -SocketId $client }
        }
        if ($frame.Kind -in 'End', 'Error' -and $lines.ContainsKey($client)) {
            $lines.Remove($client)
            $decoders.Remove($client)
            $done++
        }
    }
}
finally {
    $link | Disconnect-MProxyRelay
}
