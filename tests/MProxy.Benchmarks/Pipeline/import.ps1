# What a module costs in a fresh process: its import, and where it is ours the first frame. Prints a line of JSON, in milliseconds.
param([string] $Module, [switch] $First)
$started = [Diagnostics.Stopwatch]::GetTimestamp()
$null = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
$started = [Diagnostics.Stopwatch]::GetTimestamp()
Import-Module $Module
$import = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
$started = [Diagnostics.Stopwatch]::GetTimestamp()
if ($First) {
    $frame = ConvertTo-MProxyFrame 'hello' -Address 127.0.1.1 -Port 4321 -Service https | ConvertFrom-MProxyStream
    if ($frame.Length -ne 5) {
        throw 'The first frame is not the one that was packed.'
    }
}

$frame = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
[string]::Format([Globalization.CultureInfo]::InvariantCulture, '{{"import":{0},"frame":{1}}}', $import, $frame)
