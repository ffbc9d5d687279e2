<#
.SYNOPSIS
Tokens that never stand in a file or on a command line: issues one into a vault, or serves with the one that is there.

.DESCRIPTION
Runs in pwsh 7.4 and later with Microsoft.PowerShell.SecretManagement and a vault that is registered; whatever else has Get-Secret and
Set-Secret will do. With -Issue it signs a token with the relay's secret from the vault, and puts it there. Without, it opens a tunnel with
the token from the vault; run again when the vault has another, it gives that to the tunnel that is there.

.PARAMETER Name
What the token is called in the vault; the tunnel has the same name.

.PARAMETER Issue
Make a token for this port of the relay.

.PARAMETER Signer
What the relay's secret is called in the vault.

.PARAMETER Relay
The relay to serve.

.PARAMETER Service
The local service.

.EXAMPLE
docs/samples/token-from-vault.ps1 printer -Issue 8080 -Signer relay-secret

On the relay, or wherever its secret is: a token for port 8080, good for 30 days.

.EXAMPLE
docs/samples/token-from-vault.ps1 printer -Relay wss://relay.example -Service 127.0.0.1:80

On the device: serves, and takes a renewed token over without losing a client.
#>
[CmdletBinding(DefaultParameterSetName = 'Serve')]
param(
    [Parameter(Mandatory, Position = 0)] [string] $Name,
    [Parameter(Mandatory, ParameterSetName = 'Issue')] [int] $Issue,
    [Parameter(Mandatory, ParameterSetName = 'Issue')] [string] $Signer,
    [Parameter(Mandatory, ParameterSetName = 'Serve')] [string] $Relay,
    [Parameter(Mandatory, ParameterSetName = 'Serve')] [string] $Service
)

$ErrorActionPreference = 'Stop'
if ($PSCmdlet.ParameterSetName -eq 'Issue') {
    $token = New-MProxyToken -Id $Name -Port $Issue -ExpiresIn 30.00:00:00 -Secret (Get-Secret -Name $Signer)
    Set-Secret -Name $Name -SecureStringSecret $token
}
elseif ($tunnel = Get-MProxyTunnel "$([WildcardPattern]::Escape($Name))*" | Where-Object Name -EQ $Name) {
    $tunnel | Set-MProxyTunnel -Token (Get-Secret -Name $Name) -PassThru
}
else {
    Start-MProxyTunnel $Relay -Service "tcp=$Service" -Token (Get-Secret -Name $Name) -Name $Name
}
