using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace MProxy.Shell;

/// <summary>Objects to standard output, everything else to standard error, progress to a terminal only.</summary>
internal sealed class ShellUserInterface : PSHostUserInterface
{
    private readonly bool _errorIsTerminal = !Console.IsErrorRedirected;
    private bool _progressShown;

    public override bool SupportsVirtualTerminal { get; } = !Console.IsOutputRedirected;

    public override PSHostRawUserInterface RawUI { get; } = new ShellRawUserInterface();

    public override void Write(string value)
    {
        ClearProgress();

        // The formatter colours whatever it prints and leaves it to the host to take the colours out again.
        Console.Out.Write(GetOutputString(value, SupportsVirtualTerminal));
    }

    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => Write(value);

    public override void WriteLine(string value) => Write(value + Environment.NewLine);

    public override void WriteErrorLine(string value) => WriteNote(value, PSStyle.Instance.Formatting.Error);

    public override void WriteWarningLine(string message) => WriteNote($"WARNING: {message}", PSStyle.Instance.Formatting.Warning);

    public override void WriteVerboseLine(string message) => WriteNote($"VERBOSE: {message}", PSStyle.Instance.Formatting.Verbose);

    public override void WriteDebugLine(string message) => WriteNote($"DEBUG: {message}", PSStyle.Instance.Formatting.Debug);

    public override void WriteProgress(long sourceId, ProgressRecord record)
    {
        if (!_errorIsTerminal)
        {
            return;
        }

        ClearProgress();
        if (record.RecordType == ProgressRecordType.Processing)
        {
            var percent = record.PercentComplete >= 0 ? $" {record.PercentComplete}%" : "";
            Console.Error.Write($"{record.Activity}: {record.StatusDescription}{percent}");
            _progressShown = true;
        }
    }

    public override string ReadLine() => Console.In.ReadLine() ?? throw new EndOfStreamException("Standard input has ended.");

    public override SecureString ReadLineAsSecureString() => throw NoPrompt();

    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions) => throw NoPrompt();

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice) => throw NoPrompt();

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) => throw NoPrompt();

    public override PSCredential PromptForCredential(
        string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) => throw NoPrompt();

    private static HostException NoPrompt() => new("This shell does not prompt: give every mandatory parameter, and -Confirm:$false where a command asks.");

    private void WriteNote(string text, string style)
    {
        ClearProgress();
        Console.Out.Flush();
        var styled = _errorIsTerminal && PSStyle.Instance.OutputRendering != OutputRendering.PlainText;
        Console.Error.WriteLine(styled ? $"{style}{text}{PSStyle.Instance.Reset}" : text);
    }

    private void ClearProgress()
    {
        if (_progressShown)
        {
            Console.Error.Write("\r\u001b[2K");
            _progressShown = false;
        }
    }
}
