<#
.SYNOPSIS
A relay, a tunnel and a local web service on one machine: a page is fetched through them, and the frames of an exchange are shown.

.DESCRIPTION
Runs in the Shell (src/MProxy.Shell) and in pwsh 7.4 and later. Everything listens on loopback, and everything is closed at the end.

.PARAMETER ClientPort
The port that clients use, 0 to 65535; 0 lets the system choose.

.PARAMETER LocalService
Expose this service (host:port) instead of the sample's own page, and stay until Ctrl+C.
#>
param([int] $ClientPort = 0, [string] $LocalService)

$relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort $ClientPort
$relayAddress = $relay.Listen[0]
$url = "http://127.0.0.1:$($relay.TcpPort[0])/"

if ($LocalService) {
    try {
        $tunnel = Start-MProxyTunnel -Relay $relayAddress -Service @{ tcp = $LocalService }
        "$LocalService is now at $url - Ctrl+C ends it."
        while ($true) { [Threading.Thread]::Sleep(200) }
    }
    finally {
        $tunnel | Stop-MProxyTunnel
        $relay | Stop-MProxyRelay
    }
}

# A real web service behind the device, answering one request at a time.
$probe = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
$probe.Start()
$webPort = $probe.LocalEndpoint.Port
$probe.Stop()
$web = [Net.HttpListener]::new()
$web.Prefixes.Add("http://127.0.0.1:$webPort/")
$web.Start()
$http = [Net.Http.HttpClient]::new()

function Send-Page {
    param([string] $Text)
    $context = $web.GetContext()
    $body = [Text.Encoding]::UTF8.GetBytes($Text)
    $context.Response.ContentLength64 = $body.Length
    $context.Response.OutputStream.Write($body, 0, $body.Length)
    $context.Response.Close()
}

# Everything from the relay so far, as frames, as soon as one of them is what is waited for.
function Read-Frame {
    param([scriptblock] $Until)
    do {
        $count = $stream.Read($buffer, 0, $buffer.Length)
        $received.AddRange([ArraySegment[byte]]::new($buffer, 0, $count))
        $all = @(ConvertFrom-MProxyStream -InputObject $received.ToArray() -ErrorAction SilentlyContinue)
    } until ($count -eq 0 -or ($all | Where-Object $Until))
    $all
}

try {
    $buffer = [byte[]]::new(65536)
    $received = [Collections.Generic.List[byte]]::new()

    '1. Through a tunnel: client -> relay -> device -> web service'
    $tunnel = Start-MProxyTunnel -Relay $relayAddress -Service @{ tcp = "127.0.0.1:$webPort" }
    $page = $http.GetStringAsync($url)
    Send-Page 'Hello from behind the tunnel!'
    "   $($page.GetAwaiter().GetResult())"
    $tunnel | Stop-MProxyTunnel

    '2. The same with this script as the device, frame by frame'
    $http.Dispose()
    $http = [Net.Http.HttpClient]::new()
    $link = [Net.Sockets.TcpClient]::new('127.0.0.1', $relayAddress.Port)
    $stream = $link.GetStream()

    # Accept the relay's hello. The answer to a ping behind it says that the relay has read that, and sends clients from now on.
    foreach ($message in @(-1, $null), @(7, 'ping')) {
        $frame = ConvertTo-MProxyFrame -Kind Control -InputObject $message
        $stream.Write($frame, 0, $frame.Length)
    }
    $null = Read-Frame { $_.Kind -eq 'Control' -and $_.Control[0] -eq -7 }

    $page = $http.GetStringAsync($url)
    $frames = Read-Frame { $_.Kind -eq 'Message' }
    $request = $frames.Where({ $_.Kind -eq 'Message' })[0]

    # The request goes to the web service as it is, and the answer comes back in frames for the same client.
    $local = [Net.Sockets.TcpClient]::new('127.0.0.1', $webPort)
    $local.GetStream().Write($request.Data, 0, $request.Data.Length)
    Send-Page 'Hello, one frame at a time!'
    $count = $local.GetStream().Read($buffer, 0, $buffer.Length)
    $client = @{ Address = $request.Address; Port = $request.Port; Service = 'tcp'; ServicePort = $request.ServicePort }
    $answer = [byte[]] @(
        ConvertTo-MProxyFrame -InputObject ([byte[]] $buffer[0..($count - 1)]) @client
        ConvertTo-MProxyFrame -Kind End @client
    ).ForEach({ $_ })
    $stream.Write($answer, 0, $answer.Length)

    "   $($page.GetAwaiter().GetResult())"
    '3. The frames of that exchange, from the relay and back to it'
    $frames
    ConvertFrom-MProxyStream -InputObject $answer
}
finally {
    $http.Dispose()
    if ($local) { $local.Dispose() }
    if ($link) { $link.Dispose() }
    $web.Close()
    $relay | Stop-MProxyRelay
}
