using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace MProxy.Shell;

/// <summary>Runs one script on the embedded engine: objects to standard output, the other streams as a console host shows them.</summary>
internal sealed class ShellRunner(CommandLine commandLine)
{
    private const int Failure = 1;
    private const int Interrupted = 130;

    public int Run()
    {
        if (commandLine.Error is not null)
        {
            Console.Error.WriteLine(commandLine.Error);
            return 64;
        }

        if (Console.IsOutputRedirected || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")))
        {
            PSStyle.Instance.OutputRendering = OutputRendering.PlainText;
        }

        var host = new ShellHost();
        using var runspace = RunspaceFactory.CreateRunspace(host, CreateState());
        runspace.Open();
        using var shell = PowerShell.Create(runspace);
        ConsoleCancelEventHandler onCancel = (_, cancel) =>
        {
            // The script's own clean-up still runs; the process ends when the pipeline has stopped.
            cancel.Cancel = true;
            shell.BeginStop(null, null);
        };
        Console.CancelKeyPress += onCancel;
        try
        {
            return Invoke(shell, host);
        }
        finally
        {
            Console.CancelKeyPress -= onCancel;
        }
    }

    private int Invoke(PowerShell shell, ShellHost host)
    {
        AddScript(shell);

        // Out-Default formats with the engine's own views; errors merge in so that they keep their place among the output.
        shell.Commands.Commands[0].MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
        shell.AddCommand("Out-Default");
        try
        {
            shell.Invoke();
            return host.ExitCode ?? (shell.InvocationStateInfo.State == PSInvocationState.Stopped ? Interrupted : 0);
        }
        catch (PipelineStoppedException)
        {
            return host.ExitCode ?? Interrupted;
        }
        catch (RuntimeException error)
        {
            host.UI.WriteErrorLine(ErrorText.Of(error.ErrorRecord));
            return host.ExitCode ?? Failure;
        }
    }

    private void AddScript(PowerShell shell)
    {
        if (commandLine.File is not null)
        {
            shell.AddCommand(Path.GetFullPath(commandLine.File));
            AddArguments(shell);
        }
        else
        {
            shell.AddScript(commandLine.Command ?? Console.In.ReadToEnd());
        }
    }

    private void AddArguments(PowerShell shell)
    {
        for (var i = 0; i < commandLine.Arguments.Length; i++)
        {
            var argument = commandLine.Arguments[i];
            if (argument.Length < 2 || argument[0] != '-' || !char.IsLetter(argument[1]))
            {
                shell.AddArgument(argument);
                continue;
            }

            var (name, value) = argument.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
                ? (argument[1..colon], argument[(colon + 1)..])
                : (argument[1..], null);
            var next = i + 1 < commandLine.Arguments.Length ? commandLine.Arguments[i + 1] : null;
            if (value is null && next is not null && !next.StartsWith('-'))
            {
                value = next;
                i++;
            }

            _ = value is null ? shell.AddParameter(name) : shell.AddParameter(name, value);
        }
    }

    private static InitialSessionState CreateState()
    {
        var state = InitialSessionState.CreateDefault2();
        if (OperatingSystem.IsWindows())
        {
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.RemoteSigned;
        }

        state.ImportPSModule([FindModule()]);
        state.ThrowOnRunspaceOpenError = true;
        return state;
    }

    /// <summary>The module's manifest, in the nearest folder above this program.</summary>
    private static string FindModule()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var manifest = Path.Combine(folder, "MProxy.psd1");
            if (File.Exists(manifest))
            {
                return manifest;
            }
        }

        throw new FileNotFoundException("MProxy.psd1 is in no folder above this program: run it from the built repository.");
    }
}
