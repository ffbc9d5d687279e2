using MProxy.Benchmarks;
using MProxy.Benchmarks.Report;

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
