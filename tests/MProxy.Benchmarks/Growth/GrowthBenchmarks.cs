using System.Globalization;
using MProxy.Benchmarks.Load;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Growth;

/// <summary>How the cost of a relay and its devices grows with what they have: ten, a hundred, a thousand, ten thousand.</summary>
internal sealed class GrowthBenchmarks : IBenchmarkGroup
{
    private static readonly MProxyPeer Peer = new(Names.Ours, PeerKind.Plain);

    public GroupReport Run(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var report = new GroupReport("growth", []);
        var length = options.IsShort ? LoadLength.Short : LoadLength.Full;
        int[] counts = options.IsShort ? [10, 100] : [10, 100, 1_000, 10_000];
        using var server = new LoadServer();
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var count in counts)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (ClientGrowth.Measures.Any(measure => options.Wants(measure.Name)))
                {
                    using var tunnel = Peer.Start(server.Address);
                    Add(report, count, ClientGrowth.Measures, ClientGrowth.Run(tunnel, server, length, count));
                }

                if (LinkGrowth.Measures.Any(measure => options.Wants(measure.Name)))
                {
                    Add(report, count, LinkGrowth.Measures, LinkGrowth.Run(length, count));
                }
            }
        }

        return report;
    }

    private static void Add(GroupReport report, int count, IReadOnlyList<Measure> measures, IReadOnlyList<double> figures)
    {
        foreach (var (measure, figure) in measures.Zip(figures))
        {
            report.Add(measure, count.ToString("#,0", CultureInfo.InvariantCulture), figure);
            Console.Error.WriteLine($"{measure.Name}, {count}: {Figure.Text(figure)} {measure.Unit}");
        }
    }
}
