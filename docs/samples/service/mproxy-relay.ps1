<#
.SYNOPSIS
A relay as a service: starts it by a configuration file, reads that again when it is asked to, and lets clients finish at its end.

.PARAMETER ConfigurationPath
The file, .psd1 or .json, with the parameters of Start-MProxyRelay.

.PARAMETER DrainTimeout
How many seconds running clients may take to finish when the service stops.

.EXAMPLE
./mproxy-relay.ps1 -ConfigurationPath /etc/mproxy/relay.psd1
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [string] $ConfigurationPath,

    [ValidateRange(0, 86400)]
    [double] $DrainTimeout = 30
)

$ErrorActionPreference = 'Stop'
if (-not (Get-Module MProxy)) { Import-Module MProxy }

# Signals are caught from here on: one that comes during the start is not the end of this process, and is not lost.
Wait-MProxySignal -Timeout 0
$relay = Start-MProxyRelay -ConfigurationPath $ConfigurationPath
"Relay '$($relay.Name)' listens on $($relay.Listen -join ', ')."
try {
    while ((Wait-MProxySignal) -eq 'Reload') {
        # What is wrong in the file changes nothing: the relay goes on as it is.
        try {
            $relay | Set-MProxyRelay -ConfigurationPath $ConfigurationPath
            # For whoever has moved the file away.
            $relay.ReopenAccessLog()
            "Read '$ConfigurationPath' again."
        }
        catch { "Not read again: $_" }
    }
}
finally {
    'Stops.'
    $relay | Stop-MProxyRelay -DrainTimeout $DrainTimeout
}
