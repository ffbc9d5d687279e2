using System.Management.Automation;
using System.Management.Automation.Runspaces;
using MProxy.Engine;
using MProxy.Engine.Device;

namespace MProxy.Internal;

/// <summary>
/// A script block as a local service of one tunnel: it runs once for each client, with the client's stream and the client as its arguments, in a
/// runspace of a pool. Clients beyond the pool's size wait for their turn.
/// </summary>
/// <param name="script">The script.</param>
/// <param name="limit">How many clients it serves at once.</param>
/// <param name="patience">How long a client may wait for its turn.</param>
internal sealed class ScriptService(ScriptTarget script, int limit, TimeSpan patience) : IClientService, IDisposable
{
    /// <summary>How many clients one serves at once unless somebody says otherwise.</summary>
    public const int UsualLimit = 16;

    // What the engine itself takes the values of $using: from.
    private const string UsingParameter = "--%";

    // A call of .NET that waits cannot be stopped: the script is left to itself then.
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly SemaphoreSlim _turns = new(limit);
    private RunspacePool? _pool;
    private int _running;
    private bool _closesWhenIdle;

    /// <inheritdoc/>
    public async Task ServeAsync(Stream stream, ClientConnection client, CancellationToken cancellationToken)
    {
        if (!await _turns.WaitAsync(patience, cancellationToken).ConfigureAwait(false))
        {
            throw new TimeoutException($"all of its {limit} places were taken for {patience.TotalSeconds:0.#} s");
        }

        var shell = PowerShell.Create();
        var running = RunAsync(shell, stream, client);
        try
        {
            await running.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _ = shell.BeginStop(null, null);
            await running.WaitAsync(StopPatience, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        catch (RuntimeException error)
        {
            throw new InvalidOperationException(Describe(error.ErrorRecord), error);
        }
    }

    /// <summary>Closes the pool as soon as the last client is served, and again whenever one comes late.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closesWhenIdle = true;
            CloseIdle();
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{script}";

    private static string Describe(ErrorRecord error) =>
        $"{error.Exception.Message.TrimEnd('.')}{(error.InvocationInfo is { ScriptLineNumber: > 0 and var line } ? $" (line {line} of the script)" : "")}";

    private async Task RunAsync(PowerShell shell, Stream stream, ClientConnection client)
    {
        try
        {
            shell.RunspacePool = Enter();
            shell.AddScript(script.Text).AddArgument(stream).AddArgument(client);
            if (script.Using.Count > 0)
            {
                shell.AddParameter(UsingParameter, script.Using);
            }

            // What it outputs and says goes nowhere, and is not gathered either.
            shell.AddCommand("Out-Null");
            Drop(shell.Streams.Error);
            Drop(shell.Streams.Warning);
            Drop(shell.Streams.Verbose);
            Drop(shell.Streams.Debug);
            Drop(shell.Streams.Information);
            Drop(shell.Streams.Progress);
            await Task.Factory.FromAsync(shell.BeginInvoke(), shell.EndInvoke).ConfigureAwait(false);
        }
        finally
        {
            shell.Dispose();
            Leave();
        }
    }

    private static void Drop<T>(PSDataCollection<T> stream) => stream.DataAdded += (_, _) => stream.Clear();

    private RunspacePool Enter()
    {
        lock (_gate)
        {
            _running++;
            if (_pool is null)
            {
                var state = InitialSessionState.CreateDefault2();
                state.LanguageMode = script.Mode;

                // An error that went on would be seen by nobody.
                state.Variables.Add(new SessionStateVariableEntry("ErrorActionPreference", ActionPreference.Stop, ""));
                var pool = RunspaceFactory.CreateRunspacePool(state);
                pool.SetMaxRunspaces(limit);
                pool.Open();
                _pool = pool;
            }

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

        _turns.Release();
    }

    private void CloseIdle()
    {
        if (_closesWhenIdle && _running == 0 && _pool is { } pool)
        {
            _pool = null;
            _ = Task.Run(pool.Dispose);
        }
    }
}
