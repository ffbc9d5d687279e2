# MProxy as the relay that a conformance run asks for: see ../README.md.
Import-Module ([IO.Path]::Combine($PSScriptRoot, '..', '..', '..', 'MProxy.psd1'))
$relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -WarningAction SilentlyContinue
[Console]::Out.WriteLine("{`"relay`":$(([uri] "$($relay.Listen[0])").Port),`"clients`":$($relay.TcpPort[0])}")
$null = [Console]::In.ReadToEnd()
$relay | Stop-MProxyRelay -DrainTimeout 0
