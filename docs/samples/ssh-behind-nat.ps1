<#
.SYNOPSIS
Makes the ssh of a machine behind NAT reachable at a port of a relay, and keeps it so.

.DESCRIPTION
Runs on the machine behind NAT, in the Shell (src/MProxy.Shell) and in pwsh 7.4 and later. The link dials out, comes back by itself after a
loss, and a session that types is not slowed down by one that copies. ssh encrypts from end to end: the relay sees who comes, and no word of it.
It ends with an error where the relay refuses the token for good, so that a service manager notices.

.PARAMETER Relay
The relay.

.PARAMETER Port
The port of the relay that ssh is to be at. The token has to grant it.

.PARAMETER Server
Where ssh listens here.

.PARAMETER Token
The token that grants the port.

.EXAMPLE
docs/samples/ssh-behind-nat.ps1 wss://relay.example 8022 -Token (Get-Secret ssh-token)

From anywhere: ssh -p 8022 user@relay.example
#>
param(
    [Parameter(Mandatory)] [string] $Relay,
    [Parameter(Mandatory)] [int] $Port,
    [string] $Server = 'localhost:22',
    [securestring[]] $Token = @()
)

$ErrorActionPreference = 'Stop'
$tunnel = Start-MProxyTunnel $Relay -Service @{ $Port = $Server } -Token $Token
try {
    # Returns when the tunnel has ended without being told to.
    $null = Wait-Job $tunnel
    Receive-Job $tunnel
}
finally {
    $tunnel | Stop-MProxyTunnel
}
