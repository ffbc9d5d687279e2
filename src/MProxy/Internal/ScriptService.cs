using System.Management.Automation;
using System.Management.Automation.Runspaces;
using MProxy.Engine;
using MProxy.Engine.Device;

namespace MProxy.Internal;

/// <summary>
/// A script block as a local service: it runs once for each client, with the client's stream and the client as its arguments, in a runspace of a pool
/// of its own. Clients beyond the pool's size wait for their turn.
/// </summary>
internal sealed class ScriptService : IClientService, IDisposable
{
    /// <summary>How many clients one serves at once unless somebody says otherwise.</summary>
    public const int UsualLimit = 16;

    // What the engine itself takes the values of $using: from.
    private const string UsingParameter = "--%";

    private readonly object _gate = new();
    private readonly string _script;
    private readonly IReadOnlyDictionary<string, object?> _using;
    private readonly PSLanguageMode _mode;
    private RunspacePool? _pool;
    private int _running;
    private bool _isClosing;

    /// <param name="script">The script.</param>
    /// <param name="using">The values of its $using: expressions; see <see cref="UsingExpressions"/>.</param>
    /// <param name="mode">The language mode of whoever wrote it: it may do no more.</param>
    public ScriptService(ScriptBlock script, IReadOnlyDictionary<string, object?> @using, PSLanguageMode mode) =>
        (_script, _using, _mode) = ($"{script}", @using, mode);

    private int ThrottleLimit { get; set; } = UsualLimit;

    /// <summary>The scripts among services.</summary>
    /// <param name="services">The services.</param>
    /// <param name="throttleLimit">How many clients each script serves at once; it holds where none has come yet.</param>
    public static IReadOnlyList<ScriptService> In(ServiceMap services, int throttleLimit)
    {
        ScriptService[] scripts = [.. services.Targets.Select(target => target.Handler).OfType<ScriptService>()];
        Array.ForEach(scripts, script => script.ThrottleLimit = throttleLimit);
        return scripts;
    }

    /// <inheritdoc/>
    public async Task ServeAsync(Stream stream, ClientConnection client, CancellationToken cancellationToken)
    {
        using var shell = PowerShell.Create();
        shell.RunspacePool = Enter();
        try
        {
            shell.AddScript(_script).AddArgument(stream).AddArgument(client);
            if (_using.Count > 0)
            {
                shell.AddParameter(UsingParameter, _using);
            }

            // What it outputs goes nowhere, and is not gathered either.
            shell.AddCommand("Out-Null");
            var running = Task.Factory.FromAsync(shell.BeginInvoke(), shell.EndInvoke);
            var stopping = cancellationToken.Register(() => shell.BeginStop(null, null));
            await using (stopping.ConfigureAwait(false))
            {
                await running.ConfigureAwait(false);
            }
        }
        catch (PipelineStoppedException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Closes the pool as soon as the last client is served.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosing = true;
            CloseIdle();
        }
    }

    /// <inheritdoc/>
    public override string ToString() => "{ script }";

    private RunspacePool Enter()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosing, this);
            if (_pool is null)
            {
                var state = InitialSessionState.CreateDefault2();
                state.LanguageMode = _mode;

                // An error that went on would be seen by nobody.
                state.Variables.Add(new SessionStateVariableEntry("ErrorActionPreference", ActionPreference.Stop, ""));
                _pool = RunspaceFactory.CreateRunspacePool(state);
                _pool.SetMaxRunspaces(ThrottleLimit);
                _pool.Open();
            }

            _running++;
            return _pool;
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            _running--;
            CloseIdle();
        }
    }

    private void CloseIdle()
    {
        if (_isClosing && _running == 0)
        {
            _pool?.BeginClose(null, null);
            _pool = null;
        }
    }
}
