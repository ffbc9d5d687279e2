@{
    RootModule           = 'MProxy.EmptyModule.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = '0f3d2a56-0c1b-4d0e-9a35-6a4c3f1f8b72'
    Author               = 'The MProxy contributors'
    Copyright            = 'The MProxy contributors. MIT OR Apache-2.0.'
    Description          = 'The least that a binary module can be.'
    CompatiblePSEditions = @('Core')
    PowerShellVersion    = '7.4'
    CmdletsToExport      = @('Get-MProxyNothing')
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
}
