# A file byte by byte, into frames and into nothing, in turns. Prints a line of JSON a round, in milliseconds.
param([string] $Module, [string] $Path, [int] $Rounds)
Import-Module $Module
function Measure-Time([scriptblock] $Script) {
    # Get-Content leaves a table entry for every byte, which slows down whatever comes next.
    [GC]::Collect()
    [GC]::WaitForPendingFinalizers()
    [GC]::Collect()
    $started = [Diagnostics.Stopwatch]::GetTimestamp()
    $null = & $Script
    [Diagnostics.Stopwatch]::GetElapsedTime($started).TotalMilliseconds
}
for ($round = 0; $round -le $Rounds; $round++) {
    $frames = Measure-Time { Get-Content -AsByteStream -Path $Path | ConvertFrom-MProxyStream }
    $nothing = Measure-Time { Get-Content -AsByteStream -Path $Path | Out-Null }
    # The first round warms up, and does not count.
    if ($round -gt 0) {
        [string]::Format([Globalization.CultureInfo]::InvariantCulture, '{{"frames":{0},"nothing":{1}}}', $frames, $nothing)
    }
}
