<#
.SYNOPSIS
A tunnel as a service: starts it by a configuration file, tries again until its relay is there, and lets clients finish at its end.

.PARAMETER ConfigurationPath
The file, .psd1 or .json, with the parameters of Start-MProxyTunnel.

.PARAMETER DrainTimeout
How many seconds running clients may take to finish when the service stops.

.EXAMPLE
./mproxy-tunnel.ps1 -ConfigurationPath /etc/mproxy/tunnel.psd1
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

# The first try has to succeed: the service manager starts this script again where it does not. From then on the tunnel keeps itself up.
$tunnel = Start-MProxyTunnel -ConfigurationPath $ConfigurationPath
"Tunnel '$($tunnel.Name)' serves $($tunnel.Service -join ', ')."
try {
    while (($signal = Wait-MProxySignal -Timeout 5) -ne 'Stop') {
        # A relay that has refused the token is not asked again by this tunnel: the service manager starts another, which may have a new one.
        if ($tunnel.State -ne 'Running') { throw "The tunnel '$($tunnel.Name)' is over: its relays refused it." }
        if ($signal -ne 'Reload') { continue }
        try {
            $tunnel | Set-MProxyTunnel -ConfigurationPath $ConfigurationPath
            "Read '$ConfigurationPath' again."
        }
        catch { "Not read again: $_" }
    }
}
finally {
    'Stops.'
    $tunnel | Stop-MProxyTunnel -DrainTimeout $DrainTimeout
}
