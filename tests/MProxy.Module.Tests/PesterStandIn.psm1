# The part of Pester 5 that the files in tests/ use, for the embedded engine: Describe, Context, It, BeforeAll, AfterAll,
# BeforeEach, AfterEach and Should. It fails on anything that it does not know: a parameter or operator that is missing here
# is an error, never a test that passes.
$script:discovering = $false

# Call this, then the file itself: a file that a module calls would run in the module's scopes. The caller hands over a block
# of its own for the same reason: what is dot-sourced in that block shares one scope, which ends with it.
function Start-StandIn {
    param([switch] $DiscoverOnly, [Parameter(Mandatory)][scriptblock] $Scope)
    $script:discovering = $DiscoverOnly.IsPresent
    $script:scope = $Scope
    $script:names = [Collections.Generic.List[string]]::new()
    $script:setups = [Collections.Generic.List[object]]::new()
    $global:ErrorActionPreference = 'Stop'
}

function Invoke-Block {
    param([string] $Name, [scriptblock] $Body)
    $script:names.Add($Name)
    $level = @{ BeforeEach = $null; AfterEach = $null; AfterAll = $null; BeforeAllError = $null }
    $script:setups.Add($level)
    try {
        # What BeforeAll sets is seen by every It and by AfterAll of its block, and by nothing outside.
        & $script:scope $Body { if ($script:setups[-1].AfterAll -and -not $script:discovering) { . $script:setups[-1].AfterAll } }
    }
    finally {
        $script:setups.RemoveAt($script:setups.Count - 1)
        $script:names.RemoveAt($script:names.Count - 1)
    }
}

function Describe { param([Parameter(Mandatory, Position = 0)][string] $Name, [Parameter(Mandatory, Position = 1)][scriptblock] $Fixture) Invoke-Block $Name $Fixture }
function Context { param([Parameter(Mandatory, Position = 0)][string] $Name, [Parameter(Mandatory, Position = 1)][scriptblock] $Fixture) Invoke-Block $Name $Fixture }
function BeforeAll {
    param([Parameter(Mandatory, Position = 0)][scriptblock] $Scriptblock)
    if ($script:discovering) { return }
    try { . $Scriptblock } catch { $script:setups[-1].BeforeAllError = $_ }
}
function BeforeEach { param([Parameter(Mandatory, Position = 0)][scriptblock] $Scriptblock) $script:setups[-1].BeforeEach = $Scriptblock }
function AfterEach { param([Parameter(Mandatory, Position = 0)][scriptblock] $Scriptblock) $script:setups[-1].AfterEach = $Scriptblock }
function AfterAll { param([Parameter(Mandatory, Position = 0)][scriptblock] $Scriptblock) $script:setups[-1].AfterAll = $Scriptblock }

function It {
    param([Parameter(Mandatory, Position = 0)][string] $Name, [Parameter(Mandatory, Position = 1)][scriptblock] $Test)
    $full = (@($script:names) + $Name) -join ' › '
    if ($script:discovering) { return [pscustomobject]@{ Name = $full; Error = $null } }
    $failure = $null
    try {
        foreach ($level in $script:setups) {
            if ($level.BeforeAllError) { throw $level.BeforeAllError }
            if ($level.BeforeEach) { . $level.BeforeEach }
        }
        $null = & $Test
    }
    catch { $failure = "$_`n$($_.ScriptStackTrace)" }
    finally {
        foreach ($level in $script:setups) {
            if ($level.AfterEach) {
                try { & $level.AfterEach } catch { $failure = "AfterEach: $_" }
            }
        }
    }
    [pscustomobject]@{ Name = $full; Error = $failure }
}

function Format-Value {
    param($Value)
    if ($null -eq $Value) { '$null' }
    elseif ($Value -is [Collections.IEnumerable] -and $Value -isnot [string]) { '@(' + (@($Value) -join ', ') + ')' }
    else { "'$Value'" }
}

function Test-Same {
    param($Actual, $Expected, [switch] $CaseSensitive)
    if ($Expected -is [Collections.IEnumerable] -and $Expected -isnot [string]) {
        $left = @($Actual); $right = @($Expected)
        if ($left.Count -ne $right.Count) { return $false }
        for ($i = 0; $i -lt $left.Count; $i++) {
            if (-not (Test-Same $left[$i] $right[$i] -CaseSensitive:$CaseSensitive)) { return $false }
        }
        return $true
    }
    if ($null -eq $Expected -or $null -eq $Actual) { return $null -eq $Expected -and $null -eq $Actual }
    if ($CaseSensitive) { $Expected -ceq $Actual } else { $Expected -eq $Actual }
}

function Should {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ValueFromPipeline)] $ActualValue,
        [Parameter(Position = 0)] $ExpectedValue,
        [switch] $Not,
        [Parameter(Mandatory, ParameterSetName = 'Be')][switch] $Be,
        [Parameter(Mandatory, ParameterSetName = 'BeExactly')][switch] $BeExactly,
        [Parameter(Mandatory, ParameterSetName = 'BeNullOrEmpty')][switch] $BeNullOrEmpty,
        [Parameter(Mandatory, ParameterSetName = 'BeTrue')][switch] $BeTrue,
        [Parameter(Mandatory, ParameterSetName = 'BeFalse')][switch] $BeFalse,
        [Parameter(Mandatory, ParameterSetName = 'BeLike')][switch] $BeLike,
        [Parameter(Mandatory, ParameterSetName = 'BeOfType')][switch] $BeOfType,
        [Parameter(Mandatory, ParameterSetName = 'HaveCount')][switch] $HaveCount,
        [Parameter(Mandatory, ParameterSetName = 'Throw')][switch] $Throw,
        [Parameter(ParameterSetName = 'Throw')][string] $ErrorId
    )
    begin { $items = [Collections.Generic.List[object]]::new() }
    process { $items.Add($ActualValue) }
    end {
        # A list as one piped object would be unrolled; a single object is itself.
        $actual = if ($items.Count -eq 1) { $items[0] } else { , $items.ToArray() }
        $passed = switch ($PSCmdlet.ParameterSetName) {
            'Be' { Test-Same $actual $ExpectedValue }
            'BeExactly' { Test-Same $actual $ExpectedValue -CaseSensitive }
            'BeNullOrEmpty' { $items.Count -eq 0 -or $null -eq $actual -or '' -eq $actual -or @($actual).Count -eq 0 }
            'BeTrue' { [bool] $actual }
            'BeFalse' { -not $actual }
            'BeLike' { $actual -like $ExpectedValue }
            'BeOfType' { $actual -is $ExpectedValue }
            'HaveCount' { $items.Count -eq $ExpectedValue }
            'Throw' {
                $thrown = $null
                try { $null = & $actual } catch { $thrown = $_ }
                $null -ne $thrown -and
                (-not $ErrorId -or $thrown.FullyQualifiedErrorId -eq $ErrorId) -and
                (-not $ExpectedValue -or "$thrown" -like $ExpectedValue)
            }
        }
        if ([bool] $passed -eq $Not.IsPresent) {
            $verb = if ($Not) { 'not ' } else { '' }
            throw "Expected $verb-$($PSCmdlet.ParameterSetName) $(Format-Value $ExpectedValue)$ErrorId, but got $(Format-Value $actual)$(if ($thrown) { ": $thrown [$($thrown.FullyQualifiedErrorId)]" })."
        }
    }
}

Export-ModuleMember -Function Start-StandIn, Describe, Context, It, BeforeAll, BeforeEach, AfterAll, AfterEach, Should
