# What several test files do with other sessions. Dot-source it in BeforeAll, behind Import-Module.

# The first answer of a condition that is not false.
function Wait-Until {
    param([scriptblock] $Condition)
    $watch = [Diagnostics.Stopwatch]::StartNew()
    while (-not ($answer = & $Condition)) {
        if ($watch.Elapsed.TotalSeconds -gt 20) { throw "In vain: $Condition" }
        [Threading.Thread]::Sleep(10)
    }
    $answer
}

# Another session with the module, in which a script is to run; with .ps1 behind it, a file.
function Open-Session {
    param([string] $Script, [object[]] $Arguments = @())
    $session = [powershell]::Create([initialsessionstate]::CreateDefault2())
    $null = $session.AddCommand('Import-Module').AddArgument([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'MProxy.psd1')).Invoke()
    $session.Commands.Clear()
    $null = if ($Script -like '*.ps1') { $session.AddCommand($Script) } else { $session.AddScript($Script) }
    foreach ($argument in $Arguments) { $null = $session.AddArgument($argument) }
    $session
}

# PowerShell leaves the runspace open that it has made of a session state.
function Close-Session {
    param($Session)
    $Session.Runspace.Dispose()
    $Session.Dispose()
}
