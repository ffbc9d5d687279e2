using MProxy.Benchmarks;
using MProxy.Benchmarks.Codec;
using MProxy.Benchmarks.Growth;
using MProxy.Benchmarks.Load;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Pipeline;
using MProxy.Benchmarks.Report;
using MProxy.Benchmarks.Tunnel;

// Parts of a benchmark that have a process of their own.
switch (args)
{
    case [HoldingClients.Command, .. var arguments]:
        HoldingClients.Run(arguments);
        return 0;
    case [WayProxy.Command, .. var arguments]:
        WayProxy.Run(arguments);
        return 0;
    case [NerdbankTunnel.Command, .. var arguments]:
        await NerdbankTunnel.RunAsync(arguments);
        return 0;
    default:
        break;
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
        "codec" => new CodecBenchmarks(),
        "tunnel" => new TunnelBenchmarks(),
        "growth" => new GrowthBenchmarks(),
        "pipeline" => new PipelineBenchmarks(),
        _ => throw new NotSupportedException(name),
    };
    var report = group.Run(options, stopping.Token);
    var machine = Machine.Describe(DateTimeOffset.Now);
    Console.WriteLine($"\n## {name}\n\n{machine}\n\n{Markdown.Of(report)}");
    if (options.Write)
    {
        new PerformancePage(RepositoryFolder.Find("docs")).Write(report, machine);
    }
}

return 0;
