# A file's frames as objects, from its path and from memory, in turns. Prints a line of JSON a round, in milliseconds.
param([string] $Module, [string] $Path, [int] $Rounds, [int] $Count)
Import-Module $Module
$bytes = [IO.File]::ReadAllBytes($Path)
# Two rounds warm up, and do not count. What a round leaves behind is no part of the next.
for ($round = -1; $round -le $Rounds; $round++) {
    [GC]::Collect()
    $started = [Diagnostics.Stopwatch]::GetTimestamp()
    $fromFile = ConvertFrom-MProxyStream -Path $Path
    $file = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
    $fromFile = $fromFile.Count
    [GC]::Collect()
    $started = [Diagnostics.Stopwatch]::GetTimestamp()
    $fromMemory = ConvertFrom-MProxyStream -InputObject $bytes
    $memory = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
    $fromMemory = $fromMemory.Count
    if ($fromFile -ne $Count -or $fromMemory -ne $Count) {
        throw "There are $Count frames, and $fromFile and $fromMemory were read."
    }

    if ($round -gt 0) {
        [string]::Format([Globalization.CultureInfo]::InvariantCulture, '{{"file":{0},"memory":{1}}}', $file, $memory)
    }
}
