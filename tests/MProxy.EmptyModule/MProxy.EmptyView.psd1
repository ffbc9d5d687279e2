@{
    RootModule           = 'MProxy.EmptyModule.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = '5b9c7d10-7e5a-4a53-8a0f-2f3d6f0f4c19'
    Author               = 'The MProxy contributors'
    Copyright            = 'The MProxy contributors. MIT OR Apache-2.0.'
    Description          = 'The least that a binary module with a view of its own can be.'
    CompatiblePSEditions = @('Core')
    PowerShellVersion    = '7.4'
    FormatsToProcess     = @('MProxy.EmptyView.Format.ps1xml')
    CmdletsToExport      = @('Get-MProxyNothing')
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
}
