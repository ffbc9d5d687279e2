using MProxy.Shell;

return new ShellRunner(CommandLine.Parse(args)).Run();
