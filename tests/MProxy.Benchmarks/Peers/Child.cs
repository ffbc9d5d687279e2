using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MProxy.Benchmarks.Peers;

/// <summary>A process that this one started, and that ends with it.</summary>
internal sealed class Child : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int Terminated = 128 + 15;

    private static readonly Dictionary<int, Process> Running = [];

    // .NET itself just ends.
    private static readonly PosixSignalRegistration Termination;

    private static bool isEnding;

    private readonly Process _process;
    private readonly BlockingCollection<string> _lines = [];
    private readonly ConcurrentQueue<string> _errors = [];

    static Child()
    {
        // Nothing that was started outlives this program, however it ends.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => KillAll();
        AppDomain.CurrentDomain.UnhandledException += (_, _) => KillAll();
        Termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Environment.Exit(Terminated));
    }

    private Child(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        _process = StartUnlessEnding(start);
        _process.OutputDataReceived += (_, line) => Add(line.Data, _lines.Add, _lines.CompleteAdding);
        _process.ErrorDataReceived += (_, line) => Add(line.Data, _errors.Enqueue, () => { });
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>No part of what is measured.</summary>
    public bool IsAside { get; init; }

    public static Child Start(string program, IEnumerable<string> arguments, bool isAside = false, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new Child(start) { IsAside = isAside };
    }

    /// <summary>Another one of this program.</summary>
    public static Child StartSelf(IEnumerable<string> arguments, bool isAside = false) => Start(Environment.ProcessPath!, arguments, isAside);

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="IOException">It ended with an error.</exception>
    public static void Run(string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        using var child = Start(program, arguments, isAside: true, environment);
        if (!child._process.WaitForExit(Patience * 5) || child._process.ExitCode != 0)
        {
            throw child.Failed("did not succeed");
        }
    }

    /// <summary>Gives it a line to read.</summary>
    public void Send(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits until it says that it is ready.</summary>
    /// <returns>The same one.</returns>
    /// <exception cref="IOException">It did not in time, or before its output ended.</exception>
    public Child WhenItSays(string ready)
    {
        WaitForLine(line => line == ready);
        return this;
    }

    /// <exception cref="IOException">No such line came in time, or before its output ended.</exception>
    public string WaitForLine(Predicate<string> isIt)
    {
        using var late = new CancellationTokenSource(Patience);
        try
        {
            foreach (var line in _lines.GetConsumingEnumerable(late.Token))
            {
                if (isIt(line))
                {
                    return line;
                }
            }
        }
        catch (OperationCanceledException)
        {
        }

        throw Failed("did not say that it is ready");
    }

    /// <summary>Waits until it listens.</summary>
    /// <returns>The same one.</returns>
    /// <exception cref="IOException">It did not in time.</exception>
    public Child WhenItListens(IPEndPoint address)
    {
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Patience && !_process.HasExited; Thread.Sleep(20))
        {
            using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Connect(address);
                return this;
            }
            catch (SocketException)
            {
            }
        }

        throw Failed($"does not listen on port {address.Port}");
    }

    public void Dispose()
    {
        lock (Running)
        {
            Running.Remove(_process.Id);
        }

        Kill(_process);
        _process.Dispose();
    }

    private static Process StartUnlessEnding(ProcessStartInfo start)
    {
        lock (Running)
        {
            var process = (isEnding ? null : Process.Start(start)) ?? throw new IOException($"{start.FileName} did not start.");
            return Running[process.Id] = process;
        }
    }

    private static void KillAll()
    {
        lock (Running)
        {
            isEnding = true;
            foreach (var process in Running.Values)
            {
                Kill(process);
            }
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
        catch (Exception error) when (error is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It is gone already.
        }
    }

    private static void Add(string? line, Action<string> add, Action end)
    {
        if (line is not null)
        {
            add(line);
        }
        else
        {
            end();
        }
    }

    private IOException Failed(string how) => new($"{Path.GetFileName(_process.StartInfo.FileName)} {how}. {string.Join(" ", _errors.TakeLast(5))}".TrimEnd());
}
