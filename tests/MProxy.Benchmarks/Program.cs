using MProxy.Benchmarks;
using MProxy.Benchmarks.Codec;
using MProxy.Benchmarks.Load;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Pipeline;
using MProxy.Benchmarks.Report;
using MProxy.Benchmarks.Tunnel;

if (args is [HoldingClients.Command or DelayProxy.Command or NerdbankTunnel.Command, ..])
{
    // Part of a benchmark that has a process of its own.
    switch (args[0])
    {
        case HoldingClients.Command:
            HoldingClients.Run(args[1..]);
            break;
        case DelayProxy.Command:
            DelayProxy.Run(args[1..]);
            break;
        default:
            await NerdbankTunnel.RunAsync(args[1..]);
            break;
    }

    return 0;
}

BenchmarkOptions options;
try
{
    options = BenchmarkOptions.Parse(args);
}
catch (FormatException error)
{
    Console.Error.WriteLine($"{error.Message}\n\n{BenchmarkOptions.Usage}");
    return 64;
}

using var stopping = new CancellationTokenSource();
Console.CancelKeyPress += (_, cancel) =>
{
    cancel.Cancel = true;
    stopping.Cancel();
};

foreach (var name in options.Groups)
{
    IBenchmarkGroup group = name switch
    {
        "codec" => (IBenchmarkGroup)new CodecBenchmarks(),
        "tunnel" => new TunnelBenchmarks(),
        "pipeline" => new PipelineBenchmarks(),
        _ => throw new NotSupportedException(name),
    };
    var report = await group.RunAsync(options, stopping.Token);
    var machine = Machine.Describe(DateTimeOffset.Now);
    Console.WriteLine($"\n## {name}\n\n{machine}\n\n{Markdown.Of(report)}");
    if (options.Write)
    {
        new PerformancePage(RepositoryFolder.Find("docs")).Write(report, machine);
    }
}

return 0;
