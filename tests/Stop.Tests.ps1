[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '', Justification = 'What BeforeAll sets is used by each It.')]
param()

Describe 'A stop of the pipeline' {
    BeforeAll {
        Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1'))
        . ([IO.Path]::Combine($PSScriptRoot, 'Sessions.ps1'))
        $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Name stop-relay

        # Accepts, and says nothing.
        $silent = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $silent.Start()
        $silence = "tcp://127.0.0.1:$($silent.LocalEndpoint.Port)"

        # Runs a script in a session of its own, stops it when it is under way, and says how long that took.
        function Measure-Stop {
            param([string] $Script, [object[]] $Arguments, [scriptblock] $IsUnderWay)
            $session = Open-Session $Script $Arguments
            try {
                $running = $session.BeginInvoke()
                $null = Wait-Until $IsUnderWay
                $running.IsCompleted | Should -BeFalse
                $watch = [Diagnostics.Stopwatch]::StartNew()
                $session.Stop()
                "$($watch.Elapsed.TotalSeconds -lt 1)" | Should -Be 'True'
                $session.InvocationStateInfo.State | Should -Be 'Stopped'
            }
            finally {
                Close-Session $session
            }
        }
    }

    AfterAll {
        $silent.Stop()
        Stop-MProxyRelay stop-relay
    }

    It 'ends a cmdlet that dials a relay which says nothing, and its connection' {
        foreach ($script in
            'param($Relay) Connect-MProxyRelay $Relay -ConnectTimeout 600',
            'param($Relay) Start-MProxyTunnel $Relay -Service tcp=127.0.0.1:9 -ConnectTimeout 600',
            'param($Relay) Test-MProxyRelay $Relay -ConnectTimeout 600') {
            $accepted = $silent.AcceptTcpClientAsync()
            Measure-Stop $script -Arguments $silence -IsUnderWay { $accepted.IsCompleted }
            $end = try { $accepted.Result.GetStream().CopyToAsync([IO.Stream]::Null).Wait(20000) } catch { $true }
            $end | Should -BeTrue
            $accepted.Result.Dispose()
        }
        Get-MProxyTunnel | Should -BeNullOrEmpty
    }

    It 'ends a wait for frames, and one for an answer; the link stays' {
        $link = Connect-MProxyRelay $relay.Listen[0] -Name stop-link
        # Clients are refused until a script has asked for the first time: the stop may come before that.
        Receive-MProxyFrame $link -Timeout 0.01 | Should -BeNullOrEmpty
        $marks = [Collections.Concurrent.ConcurrentQueue[int]]::new()
        Measure-Stop 'param($Link, $Marks) $Marks.Enqueue(1); Receive-MProxyFrame $Link' -Arguments $link, $marks -IsUnderWay { $marks.Count -eq 1 }

        # A client that does not read, until the link holds the sender back.
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        $id = (Receive-MProxyFrame $link -Count 1 -Timeout 20).SocketId
        Measure-Stop 'param($Link, $Id) while ($true) { Send-MProxyFrame $Link -SocketId $Id -Data ([byte[]]::new(1MB)) }' -Arguments $link, $id -IsUnderWay { (Get-MProxyConnection $id -Session $link).State -eq 'Paused' }
        $link.State | Should -Be 'Connected'
        (Send-MProxyControl $link ping).Success | Should -BeTrue
        $client.Dispose()
        $link | Disconnect-MProxyRelay -DrainTimeout 0
    }

    It 'cuts a drain short' {
        foreach ($kind in 'tunnel', 'link') {
            $stopped = if ($kind -eq 'tunnel') { Start-MProxyTunnel $relay.Listen[0] -Service "tcp=127.0.0.1:$($silent.LocalEndpoint.Port)" } else { Connect-MProxyRelay $relay.Listen[0] }
            if ($kind -eq 'link') { $null = $stopped | Send-MProxyControl -Command ping; $receiving = $stopped.ReceiveFrameAsync() }
            $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
            $null = Wait-Until { $stopped.ClientCount -eq 1 }
            $script = if ($kind -eq 'tunnel') { 'param($It) $It | Stop-MProxyTunnel -DrainTimeout 600' } else { 'param($It) $It | Disconnect-MProxyRelay -DrainTimeout 600' }
            Measure-Stop $script -Arguments $stopped -IsUnderWay { ($kind -eq 'tunnel' ? $stopped.LinkState : $stopped.State) -eq 'Draining' }
            $client.Dispose()
        }
        Get-MProxyTunnel | Should -BeNullOrEmpty
    }

    It 'ends a stream that is read or made, and closes its file' {
        $path = [IO.Path]::GetTempFileName()
        try {
            $frame = ConvertTo-MProxyFrame ([byte[]]::new(1000)) -Address 127.0.0.1 -Port 1 -Service tcp
            $file = [IO.File]::OpenWrite($path)
            for ($number = 0; $number -lt 100000; $number++) { $file.Write($frame) }
            $file.Dispose()
            $marks = [Collections.Concurrent.ConcurrentQueue[int]]::new()
            Measure-Stop 'param($Path, $Marks) ConvertFrom-MProxyStream -Path $Path | ForEach-Object { $Marks.Enqueue(1); [Threading.Thread]::Sleep(1) }' -Arguments $path, $marks -IsUnderWay { $marks.Count -gt 5 }
            [IO.File]::Open($path, 'Open', 'ReadWrite', 'None').Dispose()

            # Whoever is behind it has enough.
            $watch = [Diagnostics.Stopwatch]::StartNew()
            do { ConvertFrom-MProxyStream -Path $path | ForEach-Object { $first = $_; break } } while ($false)
            "$($first.Length) $($watch.Elapsed.TotalSeconds -lt 1)" | Should -Be '1000 True'
            [IO.File]::Open($path, 'Open', 'ReadWrite', 'None').Dispose()
        }
        finally {
            [IO.File]::Delete($path)
        }

        # A stream that never ends.
        $pipe = [IO.Pipes.AnonymousPipeServerStream]::new('Out')
        $reader = [IO.Pipes.AnonymousPipeClientStream]::new('In', $pipe.ClientSafePipeHandle)
        $marks = [Collections.Concurrent.ConcurrentQueue[int]]::new()
        $pipe.Write($frame)
        Measure-Stop 'param($Stream, $Marks) , $Stream | ConvertFrom-MProxyStream | ForEach-Object { $Marks.Enqueue(1) }' -Arguments $reader, $marks -IsUnderWay { $marks.Count -eq 1 }
        $pipe.Dispose()
        $reader.Dispose()

        $marks = [Collections.Concurrent.ConcurrentQueue[int]]::new()
        Measure-Stop 'param($Marks) & { while ($true) { "text" } } | ConvertTo-MProxyFrame -Address 127.0.0.1 -Port 1 -Service tcp | ForEach-Object { $Marks.Enqueue(1) }' -Arguments @(, $marks) -IsUnderWay { $marks.Count -gt 10 }
    }

    It 'ends a wait for a signal' {
        $marks = [Collections.Concurrent.ConcurrentQueue[int]]::new()
        Measure-Stop 'param($Marks) $Marks.Enqueue(1); Wait-MProxySignal' -Arguments @(, $marks) -IsUnderWay { $marks.Count -eq 1 }
    }

    It 'ends listings whose receiver has enough' {
        do { Get-MProxyRelay | ForEach-Object { $first = $_; break } } while ($false)
        $first.Name | Should -Be 'stop-relay'
        $link = Connect-MProxyRelay $relay.Listen[0]
        Receive-MProxyFrame $link -Timeout 0.01 | Should -BeNullOrEmpty
        $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $relay.TcpPort[0])
        do { Receive-MProxyFrame $link -Timeout 20 | ForEach-Object { $first = $_; break } } while ($false)
        $first.Kind | Should -Be 'Connection'
        $link.State | Should -Be 'Connected'

        # What was not taken is still there for the next.
        $null = $client.Client.Send([byte[]] (1, 2))
        (Receive-MProxyFrame $link -Count 1 -Timeout 20).Data | Should -Be 1, 2
        $client.Dispose()
        $link | Disconnect-MProxyRelay -DrainTimeout 0
    }
}
