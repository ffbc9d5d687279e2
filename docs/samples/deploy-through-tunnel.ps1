<#
.SYNOPSIS
A step of a pipeline: opens a tunnel, waits until the relay is good, deploys through it, and closes it whatever happens.

.DESCRIPTION
Runs in the Shell (src/MProxy.Shell) and in pwsh 7.4 and later. Errors end it with an error, so that the pipeline stops.

.PARAMETER Relay
The relay that the machine to deploy to can reach.

.PARAMETER Service
What the machine is to reach here, such as @{ 8080 = 'localhost:5000' } for a package feed.

.PARAMETER Deploy
What to do while the tunnel is open.

.PARAMETER Token
The token of this pipeline.

.PARAMETER TimeoutSeconds
How long to wait for the relay.

.EXAMPLE
docs/samples/deploy-through-tunnel.ps1 wss://relay.example @{ 8080 = 'localhost:5000' } { ./deploy.sh } -Token (Get-Secret ci-token)

The feed of this agent is at port 8080 of the relay while deploy.sh runs.
#>
param(
    [Parameter(Mandatory)] [string] $Relay,
    [Parameter(Mandatory)] [hashtable] $Service,
    [Parameter(Mandatory)] [scriptblock] $Deploy,
    [securestring[]] $Token = @(),
    [double] $TimeoutSeconds = 60
)

$ErrorActionPreference = 'Stop'

# A program that fails is an error too.
$PSNativeCommandUseErrorActionPreference = $true
$watch = [Diagnostics.Stopwatch]::StartNew()
while (-not ($test = Test-MProxyRelay $Relay -Token $Token -ConnectTimeout 5).Success) {
    # A token that does not hold now will not hold in a minute.
    if ($test.TokenAccepted -eq $false -or $watch.Elapsed.TotalSeconds -ge $TimeoutSeconds) { throw "The relay is not good: $($test.Message)" }
    [Threading.Thread]::Sleep(500)
}

$tunnel = Start-MProxyTunnel $Relay -Service $Service -Token $Token
try {
    & $Deploy
}
finally {
    $tunnel | Stop-MProxyTunnel
}
