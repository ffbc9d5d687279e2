using MProxy.Shell;

// This process is for tunnels: what a socket brings is worked on by the thread that saw it, without waiting for another. The runtime
// looks once, when the first socket is made; whoever set it to something else knows why.
const string Inline = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
if (Environment.GetEnvironmentVariable(Inline) is null)
{
    Environment.SetEnvironmentVariable(Inline, "1");
}

// The PowerShell engine would tell its makers which modules it loads. Who starts a relay has not asked for that.
Environment.SetEnvironmentVariable("POWERSHELL_TELEMETRY_OPTOUT", "1");

return new ShellRunner(CommandLine.Parse(args)).Run();
