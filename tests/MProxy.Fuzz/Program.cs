using System.Globalization;
using MProxy.Fuzz;
using MProxy.Fuzz.Targets;
using SharpFuzz;

// run [TARGET...] [--executions N] [--seed N] [--record]   fuzzes, with this program's own loop
// afl TARGET                                               one target for afl-fuzz; in an instrumented copy
// copy FOLDER                                              makes such a copy
return args switch
{
    ["run", .. var rest] => Run(rest),
    ["child", var current, var folder, var target, var executions, var seed, var ledger] => Child(current, folder, target, executions, seed, ledger),
    ["afl", var target] => Afl(target),
    ["copy", var folder] => Copy(folder),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine($"run [TARGET...] [--executions N] [--seed N] [--record] | copy FOLDER | afl TARGET; targets: {string.Join(", ", FuzzTargets.All.Keys)}");
    return 2;
}

static int Run(string[] arguments)
{
    var executions = ValueOf(arguments, "--executions") ?? "100000";
    var seed = ValueOf(arguments, "--seed") ?? "1";
    var targets = arguments.Where(FuzzTargets.All.ContainsKey).ToArray();
    var folder = FindCorpus();
    var ledger = arguments.Contains("--record") ? Path.Combine(folder, "executions.json") : "";
    using var copy = new InstrumentedCopy();
    var isGood = true;
    foreach (var target in targets.Length > 0 ? targets : [.. FuzzTargets.All.Keys])
    {
        var own = Path.Combine(folder, target);
        isGood &= copy.Run(new Corpus(own), own, target, executions, seed, ledger);
    }

    return isGood ? 0 : 1;
}

static int Child(string current, string folder, string target, string executions, string seed, string ledger)
{
    using var input = new CurrentInput(current);
    var result = new FuzzRun(FuzzTargets.All[target], new Corpus(folder), input, int.Parse(seed, CultureInfo.InvariantCulture)).Run(long.Parse(executions, CultureInfo.InvariantCulture));
    if (ledger.Length > 0)
    {
        Ledger.Add(ledger, target, result);
    }

    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{target,-12} {result.Executions,11:N0} executions, {result.Executions / result.Elapsed.TotalSeconds,9:N0} a second, {result.Edges,5} edges, {result.Kept,3} inputs kept, {result.Crashes} crashes"));
    return 0;
}

static int Afl(string target)
{
    Fuzzer.Run(stream =>
    {
        using var all = new MemoryStream();
        stream.CopyTo(all);
        FuzzTargets.All[target](all.GetBuffer().AsSpan(0, (int)all.Length));
    });
    return 0;
}

static int Copy(string folder)
{
    using var copy = new InstrumentedCopy();
    copy.MoveTo(folder);
    return 0;
}

static string? ValueOf(string[] arguments, string option) => Array.IndexOf(arguments, option) is >= 0 and var at && at + 1 < arguments.Length ? arguments[at + 1] : null;

static string FindCorpus()
{
    for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
    {
        if (File.Exists(Path.Combine(folder.FullName, "MProxy.sln")))
        {
            return Path.Combine(folder.FullName, "tests", "corpus");
        }
    }

    throw new DirectoryNotFoundException("Run it from its repository.");
}
