using System.Management.Automation;
using MProxy.Engine.Carriers;
using MProxy.Internal;
using MProxy.Internal.Configuration;

namespace MProxy.Abstractions;

/// <summary>A cmdlet that makes links, the secrets of whose TLS can be written to a file.</summary>
public abstract class KeyLogCommand : CertificateCommand
{
    /// <summary>A file for the secrets of all TLS connections of this process, for whoever takes captures of packets apart.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? KeyLogPath { get; set; }

    /// <summary>Begins the key log that is asked for.</summary>
    private protected void OpenKeyLog()
    {
        if (KeyLogPath is null)
        {
            return;
        }

        try
        {
            var path = FilePaths.Provider(this, KeyLogPath);
            TlsKeyLog.Write(path);
            WriteWarning($"Whoever has the key log '{path}' can read all TLS of this process that was captured, and will be.");
        }
        catch (IOException error)
        {
            ThrowTerminatingError(ErrorRecords.KeyLogUnavailable(error, KeyLogPath));
        }
    }
}
