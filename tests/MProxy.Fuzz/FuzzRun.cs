using System.Diagnostics;
using MProxy.Fuzz.Targets;

namespace MProxy.Fuzz;

/// <summary>Runs one target on inputs made by chance, and keeps those that do something new. Only in a process whose libraries are instrumented.</summary>
internal sealed class FuzzRun(FuzzTarget target, Corpus kept, CurrentInput current, int seed)
{
    private const int MaxCrashes = 20;

    private readonly Coverage _coverage = new();
    private readonly List<byte[]> _corpus = [];
    private readonly byte[] _buffer = new byte[CurrentInput.MaxLength];
    private int _crashes;

    /// <summary>Runs so many, then keeps as few inputs as take all edges.</summary>
    /// <returns>What there is to say of it.</returns>
    public RunResult Run(long executions)
    {
        var seeds = kept.Read();
        foreach (var input in seeds)
        {
            // Once without a look: what happens once alone is of no input.
            Execute(input, input.Length);
        }

        _coverage.Drop();
        foreach (var input in seeds.Append([0]))
        {
            input.AsSpan(0, Math.Min(input.Length, _buffer.Length)).CopyTo(_buffer);
            Try(Math.Min(input.Length, _buffer.Length), isSeed: true);
        }

        var random = new Random(seed);
        var mutator = new Mutator(random, _corpus, Words.All);
        var watch = Stopwatch.StartNew();
        var done = 0L;
        for (; done < executions && _crashes < MaxCrashes; done++)
        {
            var source = _corpus[random.Next(_corpus.Count)];
            source.CopyTo(_buffer, 0);
            Try(mutator.Mutate(_buffer, source.Length), isSeed: false);
        }

        var smallest = Smallest();
        kept.Replace(smallest);
        return new RunResult(done, watch.Elapsed, _coverage.EdgeCount, smallest.Count, _crashes);
    }

    private void Try(int length, bool isSeed)
    {
        if (!Execute(_buffer, length))
        {
            _crashes++;
            Console.Error.WriteLine($"Kept as {kept.AddCrash(_buffer.AsSpan(0, length))}");
            _coverage.Drop();
        }
        else if (_coverage.Harvest() || isSeed)
        {
            _corpus.Add(_buffer[..length]);
        }
    }

    private bool Execute(byte[] buffer, int length)
    {
        current.Begin(buffer, Math.Min(length, CurrentInput.MaxLength));
        Coverage.Begin();
        try
        {
            target(buffer.AsSpan(0, length));
            return true;
        }
#pragma warning disable CA1031 // Whatever comes out of a target is what is looked for.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Console.Error.WriteLine(error);
            return false;
        }
    }

    /// <summary>As few inputs as take every edge that all of them take, the shortest first.</summary>
    private List<byte[]> Smallest()
    {
        HashSet<int> covered = [];
        List<byte[]> smallest = [];
        foreach (var input in _corpus.OrderBy(input => input.Length))
        {
            Execute(input, input.Length);
            var edges = _coverage.Take();
            if (!edges.IsSubsetOf(covered))
            {
                covered.UnionWith(edges);
                smallest.Add(input);
            }
        }

        return smallest;
    }
}
