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

# The first try has to succeed: the service manager starts this script again where it does not. From then on the tunnel keeps itself up.
$tunnel = Start-MProxyTunnel -ConfigurationPath $ConfigurationPath
"Tunnel '$($tunnel.Name)' serves $($tunnel.Service -join ', ')."
try {
    while ((Wait-MProxySignal) -eq 'Reload') {
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
