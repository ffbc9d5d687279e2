<#
.SYNOPSIS
Shows a local web site to the world under a name of a relay, until Ctrl+C.

.DESCRIPTION
Runs in the Shell (src/MProxy.Shell) and in pwsh 7.4 and later. It stays in the foreground: what moves is shown as progress, and what happens
is printed. The relay needs -HttpPort, and -TlsPort where the site speaks TLS itself; the token has to grant the name. Visitors are turned
away while the site does not answer, instead of waiting for it.

.PARAMETER Relay
The relay that visitors reach.

.PARAMETER Name
The name they ask for.

.PARAMETER Site
Where the site is here.

.PARAMETER Token
The token that grants the name.

.EXAMPLE
docs/samples/share-web.ps1 wss://relay.example demo.example.com localhost:5000 -Token (Get-Secret demo-token)

http://demo.example.com shows what runs at port 5000 here.
#>
param(
    [Parameter(Mandatory)] [string] $Relay,
    [Parameter(Mandatory)] [string] $Name,
    [string] $Site = 'localhost:8080',
    [securestring[]] $Token = @()
)

$ErrorActionPreference = 'Stop'
$InformationPreference = 'Continue'
Start-MProxyTunnel $Relay -Service @{ $Name = $Site } -HealthCheck tcp -Token $Token -Wait
