<#
.SYNOPSIS
Builds, tests, documents and packages MProxy.

.DESCRIPTION
Runs in PowerShell 7.4 and later with the .NET 10 SDK. Pester and PlatyPS are needed for the tasks Test and Docs; where one is
missing, the task says so and how to get it. On a machine without PowerShell, `dotnet build` and `dotnet test` do the same work.

.PARAMETER Task
Build: the module, ready for Import-Module ./MProxy.psd1. Test: everything, under this PowerShell and on the embedded engine.
Docs: the help that Get-Help reads, from the markdown in docs/en-US. Package: the .nupkg that Install-PSResource takes, in out/.
Bench: all benchmarks, with the figures put into docs/performance.md. It takes long, and wants a machine that does nothing else.

.PARAMETER Configuration
Release, unless Debug is asked for.

.EXAMPLE
./build.ps1

Builds the module.

.EXAMPLE
./build.ps1 -Task Test

Runs the Pester files under this PowerShell, and then all tests of the solution.
#>
[CmdletBinding()]
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'Configuration', Justification = 'The tasks use it.')]
param(
    [ValidateSet('Build', 'Test', 'Docs', 'Package', 'Bench')]
    [string[]] $Task = 'Build',

    [ValidateSet('Release', 'Debug')]
    [string] $Configuration = 'Release'
)

$ErrorActionPreference = 'Stop'
$root = $PSScriptRoot

function Invoke-Dotnet {
    dotnet @args
    if ($LASTEXITCODE) { throw "dotnet $($args[0]) failed with exit code $LASTEXITCODE." }
}

function Import-Needed {
    param([string] $Name, [version] $MinimumVersion)
    $found = Get-Module -ListAvailable -Name $Name | Where-Object Version -GE $MinimumVersion | Select-Object -First 1
    if (-not $found) {
        throw "$Name $MinimumVersion or later is missing: get it with 'Install-PSResource $Name'."
    }
    Import-Module $found.Path
}

function Invoke-BuildTask {
    Invoke-Dotnet build "$root/src/MProxy/MProxy.csproj" -c $Configuration
}

function Invoke-TestTask {
    Import-Needed Pester 5.0
    Invoke-BuildTask
    # In a process of its own, so that the module's files are not held by this session.
    $pester = "Import-Module '$((Get-Module Pester).Path)'; Invoke-Pester -Path '$root/tests' -CI"
    & ([Environment]::ProcessPath) -NoProfile -Command $pester
    if ($LASTEXITCODE) { throw 'Pester tests failed.' }
    Push-Location $root
    try { Invoke-Dotnet test -c $Configuration } finally { Pop-Location }
}

function Invoke-DocsTask {
    Import-Needed Microsoft.PowerShell.PlatyPS 1.0
    $out = "$root/out/help"
    Get-ChildItem -Path "$root/docs/en-US" -Filter *-*.md |
        ForEach-Object { Import-MarkdownCommandHelp -Path $_.FullName } |
        Export-MamlCommandHelp -OutputFolder $out -Force | Out-Null
    $target = New-Item -ItemType Directory -Force -Path "$root/en-US"
    foreach ($help in Get-ChildItem -Path $out -Recurse -Filter *-Help.xml) {
        $xml = [xml]::new()
        $xml.PreserveWhitespace = $true
        $xml.Load($help)
        foreach ($example in $xml.GetElementsByTagName('command:example')) { Move-ExampleCode $example }
        foreach ($link in @($xml.GetElementsByTagName('maml:navigationLink'))) {
            # The pages name each other by file, which leads nowhere here; Get-Help even refuses to go on at such an address.
            if ($link['maml:linkText'].InnerText -eq 'Online Version') { $null = $link.ParentNode.RemoveChild($link) }
            else { $link['maml:uri'].InnerText = '' }
        }
        $xml.Save("$target/$($help.Name)")
    }
}

# PlatyPS puts all of an example into its introduction: code between fences, paragraphs, and some of a stray control character.
# Get-Help has a place for code and one for what is said of it.
function Move-ExampleCode {
    param([System.Xml.XmlElement] $Example)
    $introduction = $Example['maml:introduction']
    $text = @($introduction.GetElementsByTagName('maml:para') | ForEach-Object InnerText) -join "`n`n" -replace '\u0080|\r', ''
    $code, $remarks = ($text -replace '(?s)^\s*```powershell\n').Split([string[]] '```', 2, 'TrimEntries')
    $introduction.RemoveAll()
    $Example['dev:code'].InnerText = $code
    $para = $Example.OwnerDocument.CreateElement('maml', 'para', $introduction.NamespaceURI)
    $para.InnerText = $remarks
    $Example['dev:remarks'].RemoveAll()
    $null = $Example['dev:remarks'].AppendChild($para)
}

function Invoke-PackageTask {
    Invoke-Dotnet pack "$root/src/MProxy/MProxy.csproj" -c $Configuration -o "$root/out"
    Get-Item -Path "$root/out/MProxy.$((Import-PowerShellDataFile -Path "$root/MProxy.psd1").ModuleVersion).nupkg"
}

function Invoke-BenchTask {
    $all = 'run', '-c', 'Release', '--project', "$root/tests/MProxy.Benchmarks", '--', 'all', '--write'
    Invoke-Dotnet @all
}

foreach ($one in $Task) { & "Invoke-${one}Task" }
