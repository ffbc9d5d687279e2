# MProxy as the device that a conformance run asks for: see ../README.md.
param([Parameter(Mandatory)] [int] $Relay, [Parameter(Mandatory)] [int] $Service)

Import-Module ([IO.Path]::Combine($PSScriptRoot, '..', '..', '..', 'MProxy.psd1'))
$tunnel = Start-MProxyTunnel "tcp://127.0.0.1:$Relay" -Service "tcp=127.0.0.1:$Service"
$null = [Console]::In.ReadToEnd()
$tunnel | Stop-MProxyTunnel -DrainTimeout 0
