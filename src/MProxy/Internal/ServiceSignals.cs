using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace MProxy.Internal;

/// <summary>
/// The signals by which a service manager asks this process for something. They are caught from the first wait on, also while nobody waits, so that
/// one that comes during a reload is not the end of the process.
/// </summary>
internal static class ServiceSignals
{
    private static readonly object Gate = new();
    private static Channel<ServiceSignal>? _came;
    private static PosixSignalRegistration[] _registrations = [];

    /// <summary>The next signal, or the one that came since the last.</summary>
    public static ValueTask<ServiceSignal> WaitAsync(CancellationToken cancellationToken)
    {
        lock (Gate)
        {
            if (_came is null)
            {
                _came = Channel.CreateUnbounded<ServiceSignal>();
                _registrations = [Catch(PosixSignal.SIGTERM, ServiceSignal.Stop), Catch(PosixSignal.SIGHUP, ServiceSignal.Reload)];
            }

            return _came.Reader.ReadAsync(cancellationToken);
        }
    }

    /// <summary>Signals do again what they do everywhere.</summary>
    public static void Release()
    {
        lock (Gate)
        {
            Array.ForEach(_registrations, registration => registration.Dispose());
            _registrations = [];
            _came = null;
        }
    }

    private static PosixSignalRegistration Catch(PosixSignal signal, ServiceSignal meaning) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        _came?.Writer.TryWrite(meaning);
    });
}
