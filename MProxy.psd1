@{
    RootModule           = 'bin/MProxy.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = '6d1c2f0e-2b57-4f0a-9b7e-0c5f5a3f8e41'
    Author               = 'The MProxy contributors'
    CompanyName          = 'The MProxy contributors'
    Copyright            = 'The MProxy contributors. MIT OR Apache-2.0.'
    Description          = 'Multiplexed tunnels to script: many clients reach many services behind NAT through one connection, by the M-PROXY protocol. Packs, unpacks and tunnels.'
    CompatiblePSEditions = @('Core')
    PowerShellVersion    = '7.4'
    FormatsToProcess     = @('bin/MProxy.Format.ps1xml')
    CmdletsToExport      = @(
        'Connect-MProxyRelay'
        'ConvertFrom-MProxyStream'
        'ConvertTo-MProxyFrame'
        'Disconnect-MProxyRelay'
        'Get-MProxyConnection'
        'Get-MProxyFleet'
        'Get-MProxyLink'
        'Get-MProxyRelay'
        'Get-MProxySocketId'
        'Get-MProxyTunnel'
        'New-MProxyToken'
        'Receive-MProxyFrame'
        'Resume-MProxyConnection'
        'Send-MProxyControl'
        'Send-MProxyFrame'
        'Set-MProxyRelay'
        'Set-MProxyTunnel'
        'Start-MProxyRelay'
        'Start-MProxyTunnel'
        'Stop-MProxyConnection'
        'Stop-MProxyRelay'
        'Stop-MProxyTunnel'
        'Suspend-MProxyConnection'
        'Test-MProxyRelay'
        'Wait-MProxySignal'
    )
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    PrivateData          = @{
        PSData = @{
            Tags         = @('tunnel', 'proxy', 'relay', 'multiplexing', 'M-PROXY', 'port-forwarding', 'NAT', 'networking', 'Windows', 'Linux', 'MacOS')
            LicenseUri   = 'https://spdx.org/licenses/MIT.html'
            ReleaseNotes = 'The first release: codec, links, tunnels, and the relay as a service. CHANGELOG.md has it all.'
        }
    }
}
