# What a module costs in a fresh process: its import, and where it is ours the first frame. Prints a line of JSON, in milliseconds.
param([string] $Module, [switch] $First)
$started = [Diagnostics.Stopwatch]::GetTimestamp()
$null = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
$started = [Diagnostics.Stopwatch]::GetTimestamp()
Import-Module $Module
$import = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
$time = 0
if ($First) {
    $started = [Diagnostics.Stopwatch]::GetTimestamp()
    $frame = ConvertTo-MProxyFrame 'hello' -Address 127.0.1.1 -Port 4321 -Service https | ConvertFrom-MProxyStream
    $time = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
    if ($frame.Length -ne 5) {
        throw 'The first frame is not the one that was packed.'
    }
}

[string]::Format([Globalization.CultureInfo]::InvariantCulture, '{{"import":{0},"frame":{1}}}', $import, $time)
