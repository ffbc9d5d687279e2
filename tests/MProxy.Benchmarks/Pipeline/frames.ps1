# A file's frames as objects, from its path and from memory, in turns. Prints a line of JSON a round, in milliseconds.
param([string] $Module, [string] $Path, [int] $Rounds, [int] $Count)
Import-Module $Module
$bytes = [IO.File]::ReadAllBytes($Path)
for ($round = 0; $round -le $Rounds; $round++) {
    $started = [Diagnostics.Stopwatch]::GetTimestamp()
    $fromFile = ConvertFrom-MProxyStream -Path $Path
    $file = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
    $started = [Diagnostics.Stopwatch]::GetTimestamp()
    $fromMemory = ConvertFrom-MProxyStream -InputObject $bytes
    $memory = [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
    if ($fromFile.Count -ne $Count -or $fromMemory.Count -ne $Count) {
        throw "There are $Count frames, and $($fromFile.Count) and $($fromMemory.Count) were read."
    }

    # What is still held would slow down the collector in the next round.
    $fromFile = $fromMemory = $null

    # The first round warms up, and does not count.
    if ($round -gt 0) {
        [string]::Format([Globalization.CultureInfo]::InvariantCulture, '{{"file":{0},"memory":{1}}}', $file, $memory)
    }
}
