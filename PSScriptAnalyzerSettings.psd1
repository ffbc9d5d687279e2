@{
    Severity     = @('Error', 'Warning', 'Information')
    IncludeDefaultRules = $true
}
